using System.Diagnostics;
using System.Globalization;

namespace ChatLogger.Bench;

/// <summary>The progress of a command. The fraction is of the file, null when its length is not known.</summary>
internal sealed record Status(string Doing, long Conversations, long Messages, double? Fraction);

/// <summary>Shows the last status: a bar on a terminal, now and then a plain line where the output is kept.</summary>
internal sealed class Progress : IProgress<Status>, IAsyncDisposable
{
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan NextLine = TimeSpan.FromSeconds(5);

    private readonly TextWriter output;
    private readonly bool terminal;
    private readonly PeriodicTimer timer;
    private readonly Task drawing;
    private readonly Stopwatch elapsed = Stopwatch.StartNew();
    private volatile Status? last;

    public Progress(TextWriter output, bool terminal)
    {
        this.output = output;
        this.terminal = terminal;
        timer = new PeriodicTimer(terminal ? Redraw : NextLine);
        drawing = Draw();
    }

    /// <summary>On standard error, so that the summary can be redirected alone.</summary>
    public static Progress OnConsole() =>
        new(Console.Error, !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb");

    public void Report(Status value) => last = value;

    public async ValueTask DisposeAsync()
    {
        timer.Dispose();
        await drawing;
        if (terminal)
            await output.WriteAsync("\r\e[K");
    }

    private async Task Draw()
    {
        while (await timer.WaitForNextTickAsync())
        {
            if (last is not { } status)
                continue;
            if (terminal)
                await output.WriteAsync($"\r{Cut(Line(status, Bar(status.Fraction)))}\e[K");
            else
                await output.WriteLineAsync(Line(status, status.Fraction is { } part ? $"{(int)(part * 100)} %" : ""));
        }
    }

    private string Line(Status status, string part) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{status.Doing} {part} {status.Conversations:N0} conversations, {status.Messages:N0} messages, "
                + $"{status.Messages / elapsed.Elapsed.TotalSeconds:N0}/s");

    private static string Bar(double? fraction)
    {
        if (fraction is not { } part)
            return "";
        const int width = 24;
        var full = (int)(Math.Clamp(part, 0, 1) * width);
        return $"[{new string('#', full)}{new string('.', width - full)}] {(int)(part * 100),3} %";
    }

    // A line that wraps cannot be redrawn.
    private static string Cut(string line)
    {
        var width = Console.WindowWidth;
        return width > 1 && line.Length >= width ? line[..(width - 1)] : line;
    }
}
