using System.ComponentModel;
using System.Diagnostics;

namespace ChatLogger.Bench.Comparison;

/// <summary>A program that measures, run to its end.</summary>
internal static class Tool
{
    /// <returns>What it wrote to standard output.</returns>
    /// <exception cref="UsageException">It is not installed, or failed.</exception>
    public static async Task<string> Run(
        string name, string whereFrom, IEnumerable<string> arguments, Dictionary<string, string> environment, CancellationToken stop)
    {
        var start = new ProcessStartInfo(name, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (variable, value) in environment)
            start.Environment[variable] = value;
        using var process = Start(start, whereFrom);
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(stop), process.StandardError.ReadToEndAsync(stop));
            await process.WaitForExitAsync(stop);
            return process.ExitCode == 0 ? await output : throw new UsageException($"{name} failed: {Excerpt.Of((await error).Trim())}");
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    private static Process Start(ProcessStartInfo start, string whereFrom)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            throw new UsageException($"{start.FileName} is needed and not on the PATH: {whereFrom}.");
        }
    }
}
