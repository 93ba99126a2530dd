using System.Diagnostics;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using ChatLogger.PrivatePostgres;

namespace ChatLogger.Testing;

/// <summary>
/// A folder to start the executable in, with a home, a temporary folder and a data directory below it, isolated from this process's
/// environment. At the end of the test it kills the processes that still run, and removes their files.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class ProcessSandbox
{
    public const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Open =
        Closed | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    private const UnixFileMode Shared = Open | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite | UnixFileMode.StickyBit;

    private readonly List<ServiceProcess> _started = [];

    public ProcessSandbox()
    {
        Directory.CreateDirectory(Root, Open);
        Directory.CreateDirectory(Home, Closed);
        Directory.CreateDirectory(Temp);
        File.SetUnixFileMode(Temp, Shared);
        Data = Path.Combine(Root, "data");
    }

    public string Root { get; } = Path.Combine(Memory.Directory, $"chatlogger-test-{Guid.NewGuid().ToString("N")[..8]}");

    public string Home => Path.Combine(Root, "home");

    public string Temp => Path.Combine(Root, "tmp");

    /// <summary>The setting DataDirectory.</summary>
    public string Data { get; set; }

    /// <summary>Where the private server's files are when root may not have them in <see cref="Data"/>.</summary>
    public string SystemData => Path.Combine(
        new PrivateDatabaseOptions(Data).SystemDirectory, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Data)))[..12]);

    public string Cluster => Path.Combine(Data, "database");

    public int PostmasterPid => Postmaster.Read(Cluster)!.Pid;

    /// <summary>A program and its arguments to put before the executable: another user, for instance.</summary>
    public IReadOnlyList<string> As { get; set; } = [];

    /// <summary>The folder of the executable.</summary>
    public string Program { get; set; } = AppContext.BaseDirectory;

    /// <summary>Starts it with settings (<c>Name=value</c>) and arguments, and waits for nothing.</summary>
    public ServiceProcess Start(IEnumerable<string> settings, params string[] arguments) => Start(settings, arguments, null);

    public ServiceProcess Start(IEnumerable<string> settings, IEnumerable<string> arguments, string? input)
    {
        string[] line = [.. As, ServiceProcess.Dotnet, Path.Combine(Program, "ChatLogger.dll"), .. arguments];
        var start = Prepare(line[0], line[1..]);
        foreach (var (name, value) in Variables(settings))
            start.Environment[name] = value;
        var process = new ServiceProcess(start, input);
        lock (_started)
            _started.Add(process);
        return process;
    }

    /// <summary>Runs a command in this process, to its end.</summary>
    public Task<CommandRun> Run(IEnumerable<string> settings, IEnumerable<string> arguments, string? input = null) =>
        CommandRun.Of(Variables(settings), arguments, input);

    /// <summary>Serves at a free port, and is back when it listens.</summary>
    public Task<ServiceProcess> Serve(params string[] settings) => Start(settings, "--urls", "http://127.0.0.1:0").Listening();

    /// <summary>As <c>dotnet run</c> would.</summary>
    public Task<ServiceProcess> Develop(params string[] settings) => Serve(["ASPNETCORE_ENVIRONMENT=Development", .. settings]);

    /// <summary>What a shell prints that is given these lines.</summary>
    public async Task<string> Bash(string lines)
    {
        var start = Prepare("bash", []);
        start.RedirectStandardInput = start.RedirectStandardOutput = true;
        using var bash = Process.Start(start)!;
        await bash.StandardInput.WriteAsync(lines);
        bash.StandardInput.Close();
        return await bash.StandardOutput.ReadToEndAsync();
    }

    public async Task CleanUp()
    {
        foreach (var process in _started)
            process.Dispose();
        var system = SystemData;
        var clusters = Directory
            .EnumerateDirectories(Root, "database", SearchOption.AllDirectories)
            .Append(Path.Combine(system, "database"));
        foreach (var cluster in clusters.Where(Directory.Exists).ToList())
            await End(cluster);
        Directory.Delete(Root, recursive: true);
        if (Directory.Exists(system))
            Directory.Delete(system, recursive: true);
    }

    private Dictionary<string, string> Variables(IEnumerable<string> settings)
    {
        var variables = new Dictionary<string, string>
        {
            ["DataDirectory"] = Data,
            ["Shutdown__DrainDelay"] = "00:00:00",
            // A busy machine is no reason for a 503. Tests of the deadline set their own.
            ["Server__DatabaseDeadline"] = "00:01:00",
        };
        foreach (var pair in settings.Select(setting => setting.Split('=', 2)))
            variables[pair[0]] = pair[1];
        return variables;
    }

    private ProcessStartInfo Prepare(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Root };
        foreach (
            var name in start
                .Environment.Keys.Where(name => name is not ("PATH" or "LD_LIBRARY_PATH" or "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"))
                .ToList())
            start.Environment.Remove(name);
        start.Environment["HOME"] = Home;
        start.Environment["TMPDIR"] = Temp;
        foreach (var (name, value) in ServiceProcess.Runtime)
            start.Environment[name] = value;
        start.Environment["DOTNET_ROOT"] = Path.GetDirectoryName(ServiceProcess.Dotnet);
        return start;
    }

    private static async Task End(string cluster)
    {
        var account = ServerAccount.For(Posix.Stat(cluster, follow: false)?.Uid);
        // SIGQUIT is an immediate shutdown, in which the server still cleans up its shared memory.
        if (Postmaster.Read(cluster) is { Pid: > 0 } server && ProcessTable.IsIn(server.Pid, cluster, account))
            Posix.Signal(server.Pid, Posix.Quit);
        for (var attempt = 0; ProcessTable.PostgresIn(cluster, account) is { Count: > 0 } left; attempt++)
        {
            if (attempt > 40)
                left.ToList().ForEach(pid => Posix.Signal(pid, Posix.Kill));
            await Task.Delay(50);
        }
    }
}
