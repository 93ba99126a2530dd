using System.Diagnostics;
using System.Globalization;
using ChatLogger.Import;

namespace ChatLogger.Cli;

/// <summary>One line of a terminal that says how far an import is.</summary>
internal sealed class ImportProgressLine(TextWriter output, bool isTerminal) : IProgress<ImportProgress>, IDisposable
{
    private const double Megabyte = 1_000_000;
    private const string ClearRest = "\u001b[K";

    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(200);

    private readonly Stopwatch _elapsed = Stopwatch.StartNew();
    private TimeSpan _next;
    private long? _first;

    public void Report(ImportProgress value)
    {
        var (bytes, counts) = value;
        _first ??= counts.Messages + counts.MessagesThere;
        if (!isTerminal || _elapsed.Elapsed < _next)
            return;
        _next = _elapsed.Elapsed + Redraw;
        var sent = counts.Messages + counts.MessagesThere - _first.Value;
        var read = bytes is { Length: > 0 } known
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{100 * known.Read / known.Length,3} % of {known.Length / Megabyte:N1} MB, ")
            : "";
        output.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"\r{read}{counts.Chats + counts.ChatsThere:N0} chats, {counts.Messages + counts.MessagesThere:N0} messages, "
            + $"{sent / Math.Max(_elapsed.Elapsed.TotalSeconds, 0.001):N0}/s, {counts.Refused:N0} refused{ClearRest}"));
    }

    /// <summary>A line that stays.</summary>
    public void Say(string sentence) => output.WriteLine(isTerminal ? $"\r{sentence}{ClearRest}" : sentence);

    public void Dispose()
    {
        if (isTerminal)
            output.Write($"\r{ClearRest}");
    }
}
