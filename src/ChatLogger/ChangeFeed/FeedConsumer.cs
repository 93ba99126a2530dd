using System.Diagnostics;
using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.ChangeFeed;

/// <summary>
/// A consumer of the change feed. It processes each committed change of an organization exactly once, because it commits its offset in the
/// same transaction as its results. Every instance runs each consumer. They do not block each other: an instance serves the organizations
/// that it wrote to, and periodically those where other instances lag, and it skips an organization whose offset is locked.
/// </summary>
internal abstract partial class FeedConsumer(
    string name, NpgsqlDataSource db, OrganizationLog organizationLog, FeedSettings settings, IngestActivity activity, TimeProvider time,
    ILogger log)
    : BackgroundService
{
    // By organization: the number in OrganizationLog.Recorded up to which this consumer has consumed everything.
    private readonly Dictionary<Guid, long> _seen = [];
    // The loop runs several times a second, so that an outage of the database of an hour would log thousands of warnings.
    private readonly LogSampler _failures = new(TimeSpan.FromSeconds(10), time);
    private long _caughtUp;

    protected OrganizationLog Feed => organizationLog;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (_caughtUp == 0 || time.GetElapsedTime(_caughtUp) >= settings.CatchUpInterval)
                    await CatchUp(stoppingToken);
                if (await FindPending(stoppingToken))
                    await Run(stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
            }
            catch (Exception failure)
            {
                Failed(failure);
            }
            await Task.Delay(settings.PollInterval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Runs one round: consumes everything that is committed now, in the organizations recorded as changed.</summary>
    public async Task Run(CancellationToken ct)
    {
        var pending = organizationLog.Recorded.Where(entry => _seen.GetValueOrDefault(entry.Key) < entry.Value).ToList();
        while (pending.Count > 0)
        {
            var remaining = new List<KeyValuePair<Guid, long>>();
            foreach (var (orgId, entry) in pending)
            {
                var (since, writes) = (Stopwatch.GetTimestamp(), activity.Writes);
                try
                {
                    var progress = await Consume(orgId, ct);
                    if (progress is { Behind: > 0 })
                        remaining.Add(new(orgId, entry));
                    else if (progress is not null || !await IsLagging(orgId, ct))
                        _seen[orgId] = entry;
                    if (!(progress?.Behind > settings.MaxBacklog) && activity.Writes != writes)
                        await Task.Delay(Stopwatch.GetElapsedTime(since) * settings.YieldFactor, ct);
                }
                // A failure in one organization must not block the others. The next round retries it.
                catch (Exception failure) when (!ct.IsCancellationRequested)
                {
                    Failed(failure);
                }
            }
            pending = remaining;
        }
    }

    /// <summary>Finds organizations with unconsumed changes, whichever instance wrote them, and records them for the next round.</summary>
    public async Task CatchUp(CancellationToken ct)
    {
        var since = time.GetTimestamp();
        foreach (var orgId in await FindLagging(ct))
            organizationLog.Record(orgId);
        _caughtUp = since;
    }

    /// <summary>Whether there is enough work for a round.</summary>
    protected virtual Task<bool> FindPending(CancellationToken ct) => Task.FromResult(true);

    /// <summary>
    /// Consumes the next batch of changes of an organization after <paramref name="seq"/> and up to <paramref name="head"/>, and returns
    /// the new offset. The transaction holds the lock of the offset, so no other instance consumes the same changes; if this throws, all
    /// of it is rolled back.
    /// </summary>
    protected abstract Task<long> Consume(Sql.Transaction transaction, Guid orgId, long seq, long head);

    // Asks for the greatest numbers, each of which is one step in an index: for "exists" the planner may read whole tables.
    private Task<IReadOnlyList<Guid>> FindLagging(CancellationToken ct) =>
        db.ReadAsync<Guid>(
            $"""
            select l.org_id
            from organization_log l
            left join followers f on f.org_id = l.org_id and f.follower = @Name
            where l.closed_at is null
              and {OrganizationLog.Head} > coalesce(f.seq, -1)
            """,
            new { Name = name },
            ct);

    private Task<bool> IsLagging(Guid orgId, CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<bool>(
            $"""
            select {OrganizationLog.Head} > coalesce(f.seq, -1)
            from organization_log l
            left join followers f on f.org_id = l.org_id and f.follower = @Name
            where l.org_id = @OrgId
              and l.closed_at is null
            """,
            new { OrgId = orgId, Name = name },
            ct);

    // Null: another instance holds the lock of the offset, or the organization is being deleted.
    private Task<Progress?> Consume(Guid orgId, CancellationToken ct) => db.InTransactionAsync<Progress?>(
        async transaction =>
        {
            if (await ConsumerOffset.Take(transaction, orgId, name, wait: false) is not { } seq)
                return null;
            // Everything with a number up to the greatest one that this statement sees is visible to those that follow.
            var head = await OrganizationLog.HeadOf(transaction, orgId);
            if (seq >= head)
                return new(0);
            var reached = await Consume(transaction, orgId, seq, head);
            await ConsumerOffset.Move(transaction, orgId, name, reached);
            return new(head - reached);
        },
        ct);

    private sealed record Progress(long Behind);

    /// <summary>The offset of a consumer in an organization. Taking it locks its row until the transaction ends.</summary>
    internal static class ConsumerOffset
    {
        /// <summary>
        /// Locks and reads the offset. Null: another transaction holds the lock (only without <paramref name="wait"/>), or the organization
        /// no longer exists.
        /// </summary>
        public static async Task<long?> Take(Sql.Transaction transaction, Guid orgId, string name, bool wait)
        {
            var place = new { OrgId = orgId, Name = name };
            if (await Lock(transaction, place, wait) is { } seq)
                return seq;
            // The row does not exist or is locked. This inserts it only if it does not exist.
            await transaction.ExecuteAsync(
                """
                insert into followers (org_id, follower)
                select org_id, @Name
                from organization_log
                where org_id = @OrgId
                  and closed_at is null
                  and not exists (select from followers where org_id = @OrgId and follower = @Name)
                on conflict (org_id, follower) do nothing
                """,
                place);
            return await Lock(transaction, place, wait);
        }

        public static Task Move(Sql.Transaction transaction, Guid orgId, string name, long seq) =>
            transaction.ExecuteAsync(
                "update followers set seq = @Seq where org_id = @OrgId and follower = @Name",
                new
                {
                    OrgId = orgId,
                    Name = name,
                    Seq = seq,
                });

        private static Task<long?> Lock(Sql.Transaction transaction, object place, bool wait) =>
            wait
                ? transaction.QuerySingleOrDefaultAsync<long?>(
                    "select seq from followers where org_id = @OrgId and follower = @Name for update",
                    place)
                : transaction.QuerySingleOrDefaultAsync<long?>(
                    "select seq from followers where org_id = @OrgId and follower = @Name for update skip locked",
                    place);
    }

    private void Failed(Exception failure)
    {
        if (_failures.ShouldLog(out _))
            CannotConsume(log, name, failure.Message);
    }

    [LoggerMessage(LogLevel.Warning, "Feed consumer {Name} failed; retrying: {Reason}")]
    private static partial void CannotConsume(ILogger log, string name, string reason);
}
