using System.Collections.Concurrent;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Auth;

/// <summary>
/// When keys were last used: noted in memory by the requests, written by nobody's request, for all keys at once and for each at most once a
/// minute. A database that cannot take it is tried again; what a crash takes along is a few seconds of it.
/// </summary>
internal sealed partial class LastUsedTracker(NpgsqlDataSource db, TimeProvider time, ILogger<LastUsedTracker> log) : BackgroundService, IHostedLifecycleService
{
    /// <summary>A use this soon after one that was noted is the same use.</summary>
    public static readonly TimeSpan Precision = TimeSpan.FromSeconds(10);

    // For the last words, which the stopping host does not wait for much longer.
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<(Guid OrgId, string PublicId), DateTimeOffset> _uses = new();
    private bool _failing;

    public void Record(Guid orgId, string publicId, DateTimeOffset at) => _uses[(orgId, publicId)] = at;

    /// <summary>Writes what was noted; what cannot be written stays noted.</summary>
    public async Task Flush(CancellationToken ct)
    {
        var uses = _uses.ToArray();
        if (uses.Length == 0)
            return;
        try
        {
            // A row that somebody is at is left for the next time: whoever revokes a key waits for nobody, and two instances not for each other.
            await db.ExecuteAsync(
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
            _failing = false;
            foreach (var use in uses)
                _uses.TryRemove(use);
        }
        catch (Exception) when (ct.IsCancellationRequested)
        {
        }
        catch (Exception failure)
        {
            // Once for an outage.
            if (!_failing)
                NotWritten(log, failure.GetType().Name);
            _failing = true;
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // After the server has answered its last request.
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

    [LoggerMessage(LogLevel.Warning, "When keys were last used cannot be written for now: {Exception}")]
    private static partial void NotWritten(ILogger log, string exception);
}
