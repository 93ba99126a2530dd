using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using ChatLogger.PrivatePostgres;

namespace ChatLogger.Bench.Chaos;

/// <summary>The service as a process of its own, in Production, on a port that it chooses; its output goes to a file.</summary>
internal sealed partial class Instance : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private const int Terminating = 15;

    private readonly Process process;
    private readonly StreamWriter log;
    private readonly TaskCompletionSource<int> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task read;
    private string file = "";

    private static int started;

    private Instance(Process process, StreamWriter log)
    {
        (this.process, this.log) = (process, log);
        read = Task.WhenAll(Read(process.StandardOutput), Read(process.StandardError));
    }

    public int Port { get; private set; }

    public bool HasEnded => process.HasExited;

    /// <summary>Its peak memory, in bytes; 0 when it has ended.</summary>
    public long PeakMemory()
    {
        try
        {
            var line = File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith("VmHWM", StringComparison.Ordinal));
            return 1024
                * long.Parse(
                    line.Split(':')[1].Replace("kB", "", StringComparison.Ordinal),
                    System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (Exception gone) when (gone is IOException or InvalidOperationException)
        {
            return 0;
        }
    }

    /// <summary>Starts the ChatLogger.dll of a folder, and returns when it listens.</summary>
    public static async Task<Instance> Start(string program, string directory, IReadOnlyDictionary<string, string> settings)
    {
        var instance = Launch(program, directory, settings);
        try
        {
            await instance.Listens();
            return instance;
        }
        catch
        {
            await instance.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same without waiting.</summary>
    public static Instance Launch(string program, string directory, IReadOnlyDictionary<string, string> settings)
    {
        var dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        var start = new ProcessStartInfo(dotnet, [Path.Combine(program, "ChatLogger.dll"), "--urls", "http://127.0.0.1:0"])
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The service must not inherit settings from the environment of the drill.
        foreach (
            var name in start
                .Environment.Keys.Where(name => name is not ("PATH" or "LD_LIBRARY_PATH" or "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"))
                .ToList())
            start.Environment.Remove(name);
        start.Environment["HOME"] = directory;
        start.Environment["DOTNET_ROOT"] = Path.GetDirectoryName(dotnet);
        foreach (var (name, value) in settings)
            start.Environment[name] = value;

        var file = Path.Combine(
            directory,
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"service-{Interlocked.Increment(ref started)}.log"));
        return new Instance(Process.Start(start)!, new StreamWriter(file) { AutoFlush = true }) { file = file };
    }

    /// <exception cref="UsageException">It does not start.</exception>
    public async Task Listens()
    {
        try
        {
            Port = await listening.Task.WaitAsync(StartTimeout);
        }
        catch (Exception e) when (e is TimeoutException or UsageException)
        {
            throw new UsageException(
                $"The service does not start:\n{string.Join('\n', (await File.ReadAllLinesAsync(file)).TakeLast(10))}");
        }
    }

    /// <summary>SIGTERM: the process may finish.</summary>
    /// <returns>Its exit code; null when it did not end in time.</returns>
    public async Task<int?> Terminate(TimeSpan timeout)
    {
        Posix.Signal(process.Id, Terminating);
        try
        {
            await process.WaitForExitAsync().WaitAsync(timeout);
            return process.ExitCode;
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    /// <summary>SIGSTOP or SIGCONT: while it is stopped, nothing in the process runs.</summary>
    public void Freeze(bool on) => Posix.Signal(process.Id, on ? Postgres.Stop : Postgres.Continue);

    /// <summary>SIGKILL: it gets no chance to finish anything.</summary>
    public async Task Kill()
    {
        process.Kill();
        await process.WaitForExitAsync();
        await read;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            await Kill();
        await read;
        process.Dispose();
        await log.DisposeAsync();
    }

    private async Task Read(StreamReader from)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            lock (log)
                log.WriteLine(line);
            if (Address().Match(line) is { Success: true } found)
                listening.TrySetResult(int.Parse(found.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture));
        }
        // Both outputs end with the process, so that this waits for nothing that cannot come any more.
        listening.TrySetException(new UsageException("It has ended."));
    }

    [GeneratedRegex("is listening on http://127\\.0\\.0\\.1:([0-9]+)")]
    private static partial Regex Address();
}
