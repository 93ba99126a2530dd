using System.Collections.Concurrent;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Auth;

/// <summary>
/// Tracks when keys and sessions were last used. Requests note the use in memory; a background task writes all keys in one statement,
/// and all sessions in another, each at most once a minute. It retries when the database cannot take the write; a crash
/// loses a few seconds of uses.
/// </summary>
internal sealed partial class LastUsedTracker(NpgsqlDataSource db, TimeProvider time, ILogger<LastUsedTracker> log)
    : BackgroundService,
        IHostedLifecycleService
{
    /// <summary>A use within this time after a noted one is not noted again.</summary>
    public static readonly TimeSpan Precision = TimeSpan.FromSeconds(10);

    // The timeout of the last flush at shutdown, because the host does not wait much longer.
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<(Guid OrgId, string PublicId), DateTimeOffset> _uses = new();
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> _sessions = new();
    private bool _failing;

    public void Record(Guid orgId, string publicId, DateTimeOffset at) => _uses[(orgId, publicId)] = at;

    public void Record(Guid sessionId, DateTimeOffset at) => _sessions[sessionId] = at;

    /// <summary>Writes the noted uses; those that cannot be written stay noted.</summary>
    public async Task Flush(CancellationToken ct)
    {
        try
        {
            await Flush(_uses, WriteKeys, ct);
            await Flush(_sessions, WriteSessions, ct);
            _failing = false;
        }
        catch (Exception) when (ct.IsCancellationRequested)
        {
        }
        catch (Exception failure)
        {
            // Logs once per outage.
            if (!_failing)
                NotWritten(log, failure.GetType().Name);
            _failing = true;
        }
    }

    private static async Task Flush<T>(
        ConcurrentDictionary<T, DateTimeOffset> noted,
        Func<KeyValuePair<T, DateTimeOffset>[], CancellationToken, Task> write,
        CancellationToken ct)
        where T : notnull
    {
        var uses = noted.ToArray();
        if (uses.Length == 0)
            return;
        await write(uses, ct);
        foreach (var use in uses)
            noted.TryRemove(use);
    }

    // Both skip locked rows until the next flush, so that the end of a key or session does not wait and two instances do not block each
    // other.
    private Task WriteKeys(KeyValuePair<(Guid OrgId, string PublicId), DateTimeOffset>[] uses, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            update api_keys k
            set last_used_at = used.at
            from (
                select a.org_id, a.id, u.at
                from unnest(@OrgIds, @PublicIds, @Times) as u (org_id, public_id, at)
                join api_keys a on a.org_id = u.org_id and a.public_id = u.public_id
                where a.last_used_at is null
                   or a.last_used_at < u.at - interval '1 minute'
                for no key update of a skip locked
            ) used
            where k.org_id = used.org_id
              and k.id = used.id
            """,
            new
            {
                OrgIds = uses.Select(use => use.Key.OrgId).ToArray(),
                PublicIds = uses.Select(use => use.Key.PublicId).ToArray(),
                Times = uses.Select(use => use.Value).ToArray(),
            },
            ct);

    private Task WriteSessions(KeyValuePair<Guid, DateTimeOffset>[] uses, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            update sessions s
            set last_used_at = used.at
            from (
                select e.id, u.at
                from unnest(@Ids, @Times) as u (id, at)
                join sessions e on e.id = u.id
                where e.last_used_at is null
                   or e.last_used_at < u.at - interval '1 minute'
                for no key update of e skip locked
            ) used
            where s.id = used.id
            """,
            new { Ids = uses.Select(use => use.Key).ToArray(), Times = uses.Select(use => use.Value).ToArray() },
            ct);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Runs after the server has answered its last request.
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(FlushTimeout);
        await Flush(timeout.Token);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Precision, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Flush(stoppingToken);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Last-used times of keys and sessions cannot be written: {Exception}")]
    private static partial void NotWritten(ILogger log, string exception);
}
