using ChatLogger.Configuration;
using ChatLogger.Telemetry;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Telemetry;

public class TelemetrySettingsTests
{
    [Theory]
    [InlineData("MetricsUrl=127.0.0.1:9464", "Telemetry__MetricsUrl")]
    [InlineData("MetricsUrl=https://127.0.0.1:9464", "Telemetry__MetricsUrl")]
    [InlineData("MetricsUrl=http://127.0.0.1:9464/metrics", "Telemetry__MetricsUrl")]
    [InlineData("MetricsUrl=9464", "Telemetry__MetricsUrl")]
    [InlineData("MetricsToken=short", "Telemetry__MetricsToken must be at least 16")]
    [InlineData("MetricsToken=long enough, but two words", "Telemetry__MetricsToken must be at least 16")]
    [InlineData("MetricsTokenFile=/no/such/file", "Telemetry__MetricsTokenFile cannot be read")]
    [InlineData("MetricsPort=9464", "Telemetry__MetricsPort is not a setting")]
    public void Invalid_settings_refuse_the_start(string setting, string sentence)
    {
        var refused = Assert.Throws<StartupException>(() => TelemetrySettings.Read(Configuration($"Telemetry:{setting}")));
        Assert.StartsWith(sentence, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:9464")]
    [InlineData("http://*:9464")]
    [InlineData("http://[::1]:9464")]
    public void An_address_is_where_to_listen(string url) =>
        Assert.Equal(url, TelemetrySettings.Read(Configuration($"Telemetry:MetricsUrl={url}/")).MetricsUrl);

    [Theory]
    [InlineData("", false, false, false)]
    [InlineData("OTEL_SERVICE_NAME=x", false, false, false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317", true, true, true)]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4317", true, false, false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 OTEL_LOGS_EXPORTER=none", true, true, false)]
    [InlineData("OTEL_METRICS_EXPORTER=otlp", false, true, false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 OTEL_SDK_DISABLED=TRUE OTEL_LOGS_EXPORTER=otlp", false, false, false)]
    public void A_signal_is_sent_that_has_somewhere_to_go(string settings, bool traces, bool metrics, bool logs) =>
        Assert.Equal(
            new OtlpSettings(traces, metrics, logs),
            OtlpSettings.Read(Configuration(settings.Split(' ', StringSplitOptions.RemoveEmptyEntries))));

    [Theory]
    [InlineData(
        "OTEL_METRICS_EXPORTER=prometheus",
        "OTEL_METRICS_EXPORTER must be otlp or none. For Prometheus set Telemetry__MetricsUrl."
    )]
    [InlineData("OTEL_TRACES_EXPORTER=jaeger", "OTEL_TRACES_EXPORTER must be otlp or none.")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317", "OTEL_EXPORTER_OTLP_ENDPOINT must be an address")]
    [InlineData("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=collector", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT must be an address")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_PROTOCOL must be grpc or http/protobuf.")]
    public void Settings_that_the_exporter_would_ignore_refuse_the_start(string setting, string sentence)
    {
        var refused = Assert.Throws<StartupException>(() => OtlpSettings.Read(Configuration(setting)));
        Assert.StartsWith(sentence, refused.Message, StringComparison.Ordinal);
    }

    private static IConfiguration Configuration(params string[] settings) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(
                settings.Select(setting => setting.Split('=', 2)).Select(pair => KeyValuePair.Create<string, string?>(pair[0], pair[1])))
            .Build();
}
