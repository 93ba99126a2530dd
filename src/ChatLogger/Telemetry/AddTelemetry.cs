using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using ChatLogger.Telemetry.Logs;
using Microsoft.Extensions.Logging.Console;
using Npgsql;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ChatLogger.Telemetry;

/// <summary>Sets up the telemetry of the service: its log, and the metrics and traces that its settings enable.</summary>
internal static class TelemetrySetup
{
    /// <summary>
    /// The maximum number of label sets of an instrument; further ones are counted together. So callers cannot increase memory use.
    /// </summary>
    private const int MostSeries = 1_000;

    /// <summary>The version of the service, without the commit.</summary>
    public static readonly string Version =
        typeof(TelemetrySetup).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static readonly string Instance = Guid.NewGuid().ToString();

    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        AddLog(builder);
        var settings = TelemetrySettings.Read(builder.Configuration);
        var otlp = OtlpSettings.Read(builder.Configuration);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton<Instruments>();
        AddSignals(builder, otlp, isRead: settings is not { MetricsUrl: null, MetricsToken: null });
        builder.Services.AddHostedService<Gauges>();
        if (settings.MetricsUrl is not null)
            builder.Services.AddHostedService<MetricsPort>();
    }

    private static void AddLog(WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        var format = builder.Environment.IsDevelopment() ? TextLogFormatter.Format : JsonLogFormatter.Format;
        builder.Logging.AddConsole(console => console.FormatterName ??= format);
        builder.Logging.AddConsoleFormatter<JsonLogFormatter, ConsoleFormatterOptions>();
        builder.Logging.AddConsoleFormatter<TextLogFormatter, ConsoleFormatterOptions>();
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("Npgsql", LogLevel.Warning);
    }

    private static void AddSignals(WebApplicationBuilder builder, OtlpSettings otlp, bool isRead)
    {
        if (!isRead && otlp is { Traces: false, Metrics: false, Logs: false })
            return;
        var configuration = builder.Configuration;
        var telemetry = builder.Services.AddOpenTelemetry().ConfigureResource(Describe);
        if (otlp.Traces)
        {
            telemetry.WithTracing(traces => traces
                .AddSource(Instruments.Name)
                .AddAspNetCoreInstrumentation(requests => requests.EnrichWithHttpResponse = Tracing.Describe)
                .AddNpgsql()
                .AddProcessor(new Tracing.BackgroundQueryFilter())
                .AddOtlpExporter(exporter => Direct(exporter, "TRACES", configuration)));
        }
        if (otlp.Metrics || isRead)
        {
            telemetry.WithMetrics(metrics =>
            {
                metrics.AddMeter(Instruments.Name).AddAspNetCoreInstrumentation().AddRuntimeInstrumentation().AddNpgsqlInstrumentation();
                if (otlp.Metrics)
                    metrics.AddOtlpExporter(exporter => Direct(exporter, "METRICS", configuration));
                if (isRead)
                    MetricsPage.Add(metrics);
            });
            builder.Services.ConfigureOpenTelemetryMeterProvider((services, metrics) =>
            {
                var mine = services.GetRequiredService<IMeterFactory>();
                metrics.AddView(instrument => Select(instrument, mine));
            });
            builder.Services.AddSingleton<MetricsPage>();
        }
        if (otlp.Logs)
        {
            telemetry.WithLogging(
                logs => logs.AddProcessor(new LogSanitizer()).AddOtlpExporter(exporter => Direct(exporter, "LOGS", configuration)),
                log => log.IncludeFormattedMessage = true);
        }
        builder.Services.AddHostedService<FlushTimeout>();
    }

    // Ignores meters of another server in this process, such as MetricsPort's.
    private static MetricStreamConfiguration Select(Instrument instrument, IMeterFactory mine) =>
        instrument.Meter.Scope is IMeterFactory factory && !ReferenceEquals(factory, mine)
            ? MetricStreamConfiguration.Drop
            : new MetricStreamConfiguration { CardinalityLimit = MostSeries };

    // The exporter, used directly, does not read the settings of a single signal, so this method applies them.
    private static void Direct(OtlpExporterOptions exporter, string signal, ConfigurationManager configuration)
    {
        if (Own("ENDPOINT") is { } endpoint)
            exporter.Endpoint = new Uri(endpoint);
        if (Own("PROTOCOL") is { } protocol)
            exporter.Protocol = protocol == "grpc" ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        if (Own("HEADERS") is { } headers)
            exporter.Headers = headers;
        if (int.TryParse(Own("TIMEOUT"), NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds))
            exporter.TimeoutMilliseconds = milliseconds;

        string? Own(string what) => configuration[$"OTEL_EXPORTER_OTLP_{signal}_{what}"] is { Length: > 0 } value ? value : null;
    }

    // The last source wins: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
    private static void Describe(ResourceBuilder resource) => resource.Clear()
        .AddTelemetrySdk()
        .AddService("chatlogger", serviceVersion: Version, serviceInstanceId: Instance)
        .AddEnvironmentVariableDetector();
}
