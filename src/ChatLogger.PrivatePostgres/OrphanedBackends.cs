using System.Diagnostics;

namespace ChatLogger.PrivatePostgres;

/// <summary>
/// What a server that died leaves behind: its backends and its pid file. Both would keep the next server from starting.
/// </summary>
internal sealed partial class OrphanedBackends(PostgresCluster cluster, ILogger logger)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Call it when the server is certainly dead. Removes its pid file only if PostgreSQL would consider it valid; otherwise PostgreSQL's
    /// own check, which includes the shared memory, stays as an additional safeguard.
    /// </summary>
    public async Task Remove(Postmaster dead)
    {
        if (!ProcessTable.CanSee)
            return;
        // Orphaned backends exit soon after their server's death, unless they are busy.
        await WaitUntilAllExited(TimeSpan.FromSeconds(3));
        await Signal(Posix.Quit);
        await Signal(Posix.Kill);
        if (Processes() is [var left, ..])
            throw new PrivateDatabaseException(
                $"The server of the private database in {cluster.Directory} died, but its process {left} does not end. "
                + "End it and start again.");

        if (!OperatingSystem.IsWindows() && (dead.Pid <= 0 || Posix.Exists(dead.Pid)))
        {
            LogStale(logger, dead.Pid, cluster.Directory);
            File.Delete(Postmaster.FileOf(cluster.Directory));
        }
    }

    private List<int> Processes() => ProcessTable.PostgresIn(cluster.Directory, cluster.Account);

    private async Task Signal(int signal)
    {
        foreach (var pid in Processes())
        {
            if (!OperatingSystem.IsWindows())
                Posix.Signal(pid, signal);
        }
        await WaitUntilAllExited(TimeSpan.FromSeconds(2));
    }

    private async Task WaitUntilAllExited(TimeSpan timeout)
    {
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < timeout && Processes().Count > 0)
            await Task.Delay(PollInterval);
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The pid file in {Directory} names process {Pid}, which is no server of this database; the file is removed"
    )]
    private static partial void LogStale(ILogger logger, int pid, string directory);
}
