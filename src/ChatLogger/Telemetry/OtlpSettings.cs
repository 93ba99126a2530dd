using ChatLogger.Configuration;

namespace ChatLogger.Telemetry;

/// <summary>
/// What OTLP exports, according to OpenTelemetry's standard settings: a signal is exported if it has an endpoint
/// (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, or its own), unless <c>OTEL_{signal}_EXPORTER</c> is <c>none</c> or <c>OTEL_SDK_DISABLED</c> is
/// <c>true</c>. The exporter itself reads the other settings (protocol, headers, sampling, intervals).
/// </summary>
internal sealed record OtlpSettings(bool Traces, bool Metrics, bool Logs)
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <exception cref="StartupException">A setting has an unsupported value.</exception>
    public static OtlpSettings Read(IConfiguration configuration)
    {
        var disabled = "true".Equals(configuration["OTEL_SDK_DISABLED"]?.Trim(), StringComparison.OrdinalIgnoreCase);
        foreach (var protocol in Each("PROTOCOL"))
        {
            if (configuration[protocol] is { Length: > 0 } and not ("grpc" or "http/protobuf"))
                throw new StartupException($"{protocol} must be grpc or http/protobuf.");
        }
        foreach (var endpoint in Each("ENDPOINT"))
        {
            if (
                configuration[endpoint] is { Length: > 0 } url
                && !(Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
                throw new StartupException($"{endpoint} must be an address such as http://127.0.0.1:4317.");
        }
        return new(IsSent("TRACES"), IsSent("METRICS"), IsSent("LOGS"));

        bool IsSent(string signal) =>
            configuration[$"OTEL_{signal}_EXPORTER"]?.Trim() switch
            {
                "none" => false,
                "otlp" => !disabled,
                null or "" => !disabled
                    && (configuration[Endpoint] ?? configuration[$"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"]) is { Length: > 0 },
                _ => throw new StartupException(
                    $"OTEL_{signal}_EXPORTER must be otlp or "
                        + $"none.{(signal == "METRICS" ? " For Prometheus set Telemetry__MetricsUrl." : "")}"
                ),
            };
    }

    // Returns the setting for all signals, and that of each signal.
    private static string[] Each(string what) =>
        [
            $"OTEL_EXPORTER_OTLP_{what}",
            $"OTEL_EXPORTER_OTLP_TRACES_{what}",
            $"OTEL_EXPORTER_OTLP_METRICS_{what}",
            $"OTEL_EXPORTER_OTLP_LOGS_{what}",
        ];
}
