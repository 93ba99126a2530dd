using OpenTelemetry;
using OpenTelemetry.Logs;

namespace ChatLogger.Telemetry.Logs;

/// <summary>Sanitizes log records for OTLP like those for the console.</summary>
internal sealed class LogSanitizer : BaseProcessor<LogRecord>
{
    public override void OnEnd(LogRecord data)
    {
        if (data.FormattedMessage is { } message)
            data.FormattedMessage = LogText.Sanitize(message);
        if (
            data.Attributes is { } fields
            && fields.Any(field => field.Value is string text && !ReferenceEquals(LogText.Sanitize(text), text)))
            data.Attributes = [.. fields.Select(field => field.Value is string text ? new(field.Key, LogText.Sanitize(text)) : field)];
    }
}
