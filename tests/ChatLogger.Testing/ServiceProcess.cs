using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using ChatLogger.PrivatePostgres;

namespace ChatLogger.Testing;

/// <summary>The real executable as a process of its own; <see cref="ProcessSandbox"/> starts it and cleans up after it.</summary>
internal sealed partial class ServiceProcess : IDisposable
{
    private const int Terminate = 15;

    /// <summary>
    /// Runtime settings for a process that lives for seconds on a shared machine: it does not recover the costs of profiling its methods,
    /// of compiling them again after a few calls, and of keeping pages from being writable and executable at once.
    /// </summary>
    public static readonly IReadOnlyDictionary<string, string> Runtime = new Dictionary<string, string>
    {
        ["DOTNET_TieredPGO"] = "0",
        ["DOTNET_TC_CallCountThreshold"] = "200", // hexadecimal
        ["DOTNET_EnableWriteXorExecute"] = "0",
        ["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0",
    };

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly Task _read;

    public ServiceProcess(ProcessStartInfo start, string? input)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        _process = Process.Start(start)!;
        _read = Task.WhenAll(Read(_process.StandardOutput, _output), Read(_process.StandardError, _errors));
        _process.StandardInput.Write(input ?? "");
        _process.StandardInput.Close();
    }

    /// <summary>A client without credentials; null until the service listens.</summary>
    public Caller Http { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public int Id => _process.Id;

    public string Output => string.Join('\n', _output);

    public string Errors => string.Join('\n', _errors);

    /// <summary>Waits for the line that says where it listens.</summary>
    public async Task<ServiceProcess> Listening()
    {
        var line = await Line(Listens());
        Address = new Uri(line.Groups[1].Value);
        Http = new Caller(new HttpClient(new SocketsHttpHandler { UseCookies = false, UseProxy = false }) { BaseAddress = Address });
        return this;
    }

    /// <summary>Waits for a line on standard output.</summary>
    public async Task<Match> Line(Regex pattern)
    {
        Match found = Match.Empty;
        await Wait.Until(
            () =>
            {
                var hasEnded = _read.IsCompleted;
                found = pattern.Match(Output);
                Assert.True(found.Success || !hasEnded, $"The service ended before it said {pattern}.\n{Output}\n{Errors}");
                return found.Success;
            },
            $"The service said {pattern}.");
        return found;
    }

    /// <summary>The credentials that the first start shows.</summary>
    public async Task<(string Email, string Password, string Key)> Demo()
    {
        var shown = await Line(Banner());
        return (shown.Groups[1].Value, shown.Groups[2].Value, shown.Groups[3].Value);
    }

    public async Task<int> Exit()
    {
        await Wait.For(_process.WaitForExitAsync());
        await Wait.For(_read);
        return _process.ExitCode;
    }

    /// <summary>SIGTERM, and its exit code.</summary>
    public Task<int> Stop()
    {
        Posix.Signal(_process.Id, Terminate);
        return Exit();
    }

    public Task Kill()
    {
        _process.Kill();
        return Exit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    /// <summary>The host of the runtime that runs this test.</summary>
    public static string Dotnet { get; } = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));

    private static async Task Read(StreamReader from, ConcurrentQueue<string> to)
    {
        while (await from.ReadLineAsync() is { } line)
            to.Enqueue(line);
    }

    [GeneratedRegex("Chat Logger [^ ]+ is listening on (http://[^ ,\"\n]+)")]
    private static partial Regex Listens();

    [GeneratedRegex("admin +(\\S+)  password  (\\S+)\n +API key +(\\S+)\n[\\s\\S]*/docs")]
    private static partial Regex Banner();
}
