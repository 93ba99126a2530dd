using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace ChatLogger.Telemetry.Logs;

/// <summary>
/// The log format of Development, for people. An exception follows its line, indented, with the trace id that the response named.
/// </summary>
internal sealed class TextLogFormatter() : ConsoleFormatter(Format)
{
    public const string Format = "readable-lines";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        textWriter.Write(DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        textWriter.Write(Level(logEntry.LogLevel));
        textWriter.Write(logEntry.Category);
        textWriter.Write(": ");
        var message = LogText.Sanitize(logEntry.Formatter(logEntry.State, logEntry.Exception));
        textWriter.Write(message);
        var trace = Activity.Current?.TraceId.ToHexString();
        if (trace is not null && logEntry.LogLevel >= LogLevel.Warning && !message.Contains(trace, StringComparison.Ordinal))
            textWriter.Write($" trace={trace}");
        textWriter.WriteLine();
        if (logEntry.Exception is { } exception)
        {
            foreach (var line in LogText.Lines(exception))
                textWriter.WriteLine($"    {line}");
        }
    }

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Trace => " trace ",
        LogLevel.Debug => " debug ",
        LogLevel.Information => " info  ",
        LogLevel.Warning => " warn  ",
        LogLevel.Error => " ERROR ",
        _ => " CRIT  ",
    };
}
