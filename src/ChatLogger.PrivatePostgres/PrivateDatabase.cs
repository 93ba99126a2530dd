using Npgsql;

namespace ChatLogger.PrivatePostgres;

/// <summary>
/// A PostgreSQL server that the service runs itself when there is no connection string. Several processes may use one data directory: the
/// first starts the server, the others attach, and the last one to leave stops it.
/// </summary>
public sealed partial class PrivateDatabase : IAsyncDisposable
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(3);

    private readonly PostgresCluster _cluster;
    private readonly PostgresServer _server;
    private readonly PrivateDatabaseOptions _options;
    private readonly ILogger _logger;
    private readonly IDisposable _presence;
    private readonly CancellationTokenSource _leaving = new();
    private readonly Task _watch;
    private Postmaster _postmaster;
    private int _left;

    private PrivateDatabase(
        PostgresCluster cluster,
        PostgresServer server,
        Postmaster postmaster,
        IDisposable presence,
        PrivateDatabaseOptions options,
        ILogger logger)
    {
        (_cluster, _server, _postmaster, _presence, _options, _logger) = (cluster, server, postmaster, presence, options, logger);
        SocketDirectory = postmaster.SocketDirectory;
        Major = cluster.Major ?? 0;
        _watch = Task.Run(Watch);
    }

    public string ClusterDirectory => _cluster.Directory;

    public string SocketDirectory { get; }

    public int Major { get; }

    public int PostmasterPid => _postmaster.Pid;

    public string ConnectionString => new NpgsqlConnectionStringBuilder
    {
        Host = SocketDirectory,
        Port = PrivatePostgres.SocketDirectory.Port,
        Username = PostgresCluster.Name,
        Database = PostgresCluster.Name,
        // A private socket needs no encryption, and each of these negotiations would cost a round trip.
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
    }.ConnectionString;

    public static async Task<PrivateDatabase> Start(PrivateDatabaseOptions options, ILogger logger, CancellationToken ct)
    {
        options = options with { DataDirectory = DataDirectory.Prepare(options.DataDirectory) };
        using var startLock = await FileLock.Exclusive(StartLock(options), ct);
        var presence = FileLock.TryShared(PresenceLock(options))
            ?? throw new PrivateDatabaseException($"{PresenceLock(options)} is locked by a program that is not Chat Logger.");
        try
        {
            var cluster = await PostgresCluster.Locate(options, logger);
            var binaries = new ClusterBinaries(cluster, options, logger);
            await binaries.Provide(ct);
            if (cluster.Major is null)
                await new ClusterInitializer(cluster, binaries, options).Create(ct);
            var server = new PostgresServer(cluster, binaries, options, logger);
            var postmaster = await server.EnsureRunning(ct);
            return new(cluster, server, postmaster, presence, options, logger);
        }
        catch
        {
            presence.Dispose();
            throw;
        }
    }

    /// <summary>Stops the server and deletes the cluster unless it is in use: removes what a killed test run left.</summary>
    public static async Task<bool> Discard(PrivateDatabaseOptions options, ILogger logger, CancellationToken ct)
    {
        if (!Directory.Exists(options.DataDirectory))
            return true;
        using var startLock = await FileLock.Exclusive(StartLock(options), ct);
        using var alone = FileLock.TryExclusive(PresenceLock(options));
        if (alone is null)
            return false;
        var cluster = await PostgresCluster.Locate(options, logger);
        await new PostgresServer(cluster, new ClusterBinaries(cluster, options, logger), options, logger).Stop("immediate");
        cluster.Delete();
        return true;
    }

    /// <summary>Detaches; the last process to detach stops the server.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _left, 1) == 1)
            return;
        await _leaving.CancelAsync();
        await _watch;
        _leaving.Dispose();
        try
        {
            using var startLock = await FileLock.Exclusive(StartLock(_options), CancellationToken.None);
            _presence.Dispose();
            using var alone = FileLock.TryExclusive(PresenceLock(_options));
            if (alone is null)
                return;
            await _server.Stop(_options.Throwaway ? "immediate" : "fast");
            if (_options.Throwaway)
                _cluster.Delete();
        }
        catch (Exception failure) when (failure is PrivateDatabaseException or IOException or UnauthorizedAccessException)
        {
            // The server keeps running, and the next start attaches to it.
            _presence.Dispose();
            LogNotStopped(_logger, _cluster.Directory, failure.Message);
        }
    }

    private async Task Watch()
    {
        var pause = WatchInterval;
        while (true)
        {
            try
            {
                await Task.Delay(pause, _leaving.Token);
                pause = WatchInterval;
                if (_server.IsServing(_postmaster))
                    continue;

                // The first process to get the lock starts the server; the others find it running.
                using var startLock = await FileLock.Exclusive(StartLock(_options), _leaving.Token);
                if (_server.IsServing(_postmaster))
                    continue;
                LogDied(_logger, _postmaster.Pid, _cluster.Directory);
                if (_cluster.Major is null)
                    throw new PrivateDatabaseException($"The private database in {_cluster.Directory} is gone.");
                _postmaster = await _server.EnsureRunning(_leaving.Token);
                LogBack(_logger, _postmaster.Pid);
            }
            catch (OperationCanceledException) when (_leaving.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                // Retries in the next round, whatever the failure is.
                LogStillDown(_logger, failure.Message);
                pause = RetryInterval;
            }
        }
    }

    private static string StartLock(PrivateDatabaseOptions options) => Path.Combine(options.DataDirectory, "database.lock");

    private static string PresenceLock(PrivateDatabaseOptions options) => Path.Combine(options.DataDirectory, "database.presence");

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Process {Pid} no longer serves the private database in {Directory}; it is started again"
    )]
    private static partial void LogDied(ILogger logger, int pid, string directory);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The private database has recovered as process {Pid}")]
    private static partial void LogBack(ILogger logger, int pid);

    [LoggerMessage(Level = LogLevel.Error, Message = "The private database is still down: {Reason}")]
    private static partial void LogStillDown(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The private database in {Directory} was not stopped: {Reason}")]
    private static partial void LogNotStopped(ILogger logger, string directory, string reason);
}
