using System.Diagnostics;

namespace ChatLogger.PrivatePostgres;

/// <summary>Starts, checks and stops the server of a private database. The caller must hold the start lock.</summary>
internal sealed partial class PostgresServer(
    PostgresCluster cluster, ClusterBinaries binaries, PrivateDatabaseOptions options, ILogger logger)
{
    private const long MaxLogBytes = 10 * 1024 * 1024;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan EndPollInterval = TimeSpan.FromMilliseconds(5);

    private readonly OrphanedBackends _orphans = new(cluster, logger);

    /// <summary>
    /// Starts the server unless it runs, and returns when it accepts connections. It creates no cluster: see
    /// <see cref="ClusterInitializer"/>.
    /// </summary>
    public async Task<Postmaster> EnsureRunning(CancellationToken ct)
    {
        var waited = Stopwatch.StartNew();
        var failed = false;
        while (true)
        {
            var postmaster = Postmaster.Read(cluster.Directory);
            if (postmaster is null || !await IsAlive(postmaster))
            {
                ct.ThrowIfCancellationRequested();
                if (failed)
                    throw new PrivateDatabaseException(
                        $"The private database in {cluster.Directory} does not stay up; its log is {cluster.LogFile}.");
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
                throw new PrivateDatabaseException(
                    $"The private database in {cluster.Directory} is still starting after {StartTimeout.TotalSeconds:0} seconds; "
                    + $"its log is {cluster.LogFile}. Try again later.");
            await Task.Delay(PollInterval, ct);
        }
    }

    /// <summary>A check for the watch loop that runs no program.</summary>
    public bool IsServing(Postmaster known) =>
        Postmaster.Read(cluster.Directory) is { IsReady: true } now
        && (now.Pid, now.BirthTick) == (known.Pid, known.BirthTick)
        && (ProcessTable.CanSee ? ProcessTable.Find(now.Pid) is { IsAlive: true } : Exists(now.Pid))
        && File.Exists(SocketDirectory.SocketIn(now.SocketDirectory));

    public async Task Stop(string mode)
    {
        // For a dead server, pg_ctl would wait until its pid file is removed.
        if (Postmaster.Read(cluster.Directory) is not { } postmaster || !await IsAlive(postmaster))
            return;
        var result = await cluster.Account.Run(
            binaries.Value.PgCtl, ["stop", "-D", cluster.Directory, "-m", mode, "-w", "-t", "60"]);
        if (result.ExitCode != 0)
            throw new PrivateDatabaseException($"The private database in {cluster.Directory} does not stop:\n{result.Output}");
        // pg_ctl returns when the pid file is gone, and the server removes that file a moment before it ends.
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < EndTimeout && await IsAlive(postmaster))
            await Task.Delay(EndPollInterval);
        try
        {
            Directory.Delete(postmaster.SocketDirectory);
        }
        catch (IOException)
        {
            // The directory is not empty, or already gone.
        }
        LogStopped(logger, cluster.Directory);
    }

    /// <returns>False if this server did not start but another one did, or is about to.</returns>
    private async Task<bool> TryStart(Postmaster? stale)
    {
        var programs = binaries.Value; // Must come first, because it compares the versions.
        ClusterInitializer.RemoveUnfinished(cluster);
        await MakeAccessible();
        if (stale is not null)
            await _orphans.Remove(stale);
        var sockets = PrepareSockets(stale);
        var logged = RotateLog();

        // Without -l the server would keep our pipes open. pg_ctl gives it a session of its own, so Ctrl+C at our terminal does not reach
        // it.
        var settings = ServerSettings.CommandLine(sockets, options);
        var result = await cluster.Account.Run(
            programs.PgCtl, ["start", "-D", cluster.Directory, "-l", cluster.LogFile, "-o", settings, "-w", "-t", "60"]);
        if (result.ExitCode == 0 && Postmaster.Read(cluster.Directory) is { } started)
        {
            LogStarted(logger, programs.Major, cluster.Directory, started.Pid);
            return true;
        }
        // The pg_ctl of a killed start may have been faster.
        if (Postmaster.Read(cluster.Directory) is { } other && await IsAlive(other))
            return false;
        throw PrivateDatabaseException.WithOutput(
            $"The private database in {cluster.Directory} does not start", $"{result.Output}\n{LogSince(logged)}");
    }

    private async Task MakeAccessible()
    {
        // The files were restored by root, or created in an image with other accounts.
        if (!OperatingSystem.IsWindows() && cluster.Owner != cluster.Account.Uid)
            await cluster.Account.TakeOwnershipOfAll(cluster.Directory);
        if (!await cluster.Account.CanEnter(cluster.Directory))
            throw new PrivateDatabaseException(
                $"The database in {cluster.Directory} is out of reach for the user {cluster.Account}, "
                + "who runs PostgreSQL because root may not. "
                + "Give that user search permission (chmod o+x) on every directory above it.");
    }

    // Other processes may be attached through the last server's socket and expect the next one in the same directory. If the data is a copy
    // of a running database, that directory belongs to the original.
    private string PrepareSockets(Postmaster? stale)
    {
        var sockets = stale is { SocketDirectory: not "" } && !SocketDirectory.IsInUse(stale.SocketDirectory)
            ? stale.SocketDirectory
            : cluster.UsualSocketDirectory;
        SocketDirectory.Prepare(sockets, cluster.Account);
        if (ProcessTable.CanSee && !SocketDirectory.IsInUse(sockets))
            SocketDirectory.Clear(sockets);
        return sockets;
    }

    /// <returns>The position in the log from which the next server writes.</returns>
    private long RotateLog()
    {
        if (File.Exists(cluster.LogFile) && new FileInfo(cluster.LogFile).Length > MaxLogBytes)
            File.Move(cluster.LogFile, cluster.LogFile + ".1", overwrite: true);
        return File.Exists(cluster.LogFile) ? new FileInfo(cluster.LogFile).Length : 0;
    }

    private string LogSince(long position)
    {
        if (!File.Exists(cluster.LogFile))
            return "";
        using var log = new FileStream(cluster.LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        log.Position = Math.Min(position, log.Length);
        using var reader = new StreamReader(log);
        return reader.ReadToEnd();
    }

    private async Task<bool> IsAlive(Postmaster postmaster) =>
        ProcessTable.CanSee
            ? ProcessTable.Find(postmaster.Pid) is { IsAlive: true }
                && ProcessTable.IsIn(postmaster.Pid, cluster.Directory, cluster.Account)
            : (await cluster.Account.Run(binaries.Value.PgCtl, ["status", "-D", cluster.Directory])).ExitCode == 0;

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

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "PostgreSQL {Major} serves the private database in {Directory} as process {Pid}"
    )]
    private static partial void LogStarted(ILogger logger, int major, string directory, int pid);

    [LoggerMessage(Level = LogLevel.Information, Message = "The private database in {Directory} has stopped")]
    private static partial void LogStopped(ILogger logger, string directory);
}
