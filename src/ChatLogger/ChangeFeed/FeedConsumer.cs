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
    string name, NpgsqlDataSource db, ChangeLog changeLog, FeedSettings settings, IngestActivity activity, TimeProvider time, ILogger log)
    : BackgroundService
{
    // By organization: the number in ChangeLog.Recorded up to which this consumer has consumed everything.
    private readonly Dictionary<Guid, long> _seen = [];
    // The loop runs several times a second, so that an outage of the database of an hour would log thousands of warnings.
    private readonly LogSampler _failures = new(TimeSpan.FromSeconds(10), time);
    private long _caughtUp;

    protected ChangeLog Feed => changeLog;

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
        var pending = changeLog.Recorded.Where(entry => _seen.GetValueOrDefault(entry.Key) < entry.Value).ToList();
        if (pending.Count == 0)
            return;
        var committed = await changeLog.Commit(ct);
        while (pending.Count > 0)
        {
            var remaining = new List<KeyValuePair<Guid, long>>();
            foreach (var (orgId, entry) in pending)
            {
                var (since, writes) = (Stopwatch.GetTimestamp(), activity.Writes);
                try
                {
                    var seq = await Consume(orgId, committed, ct);
                    if (seq < committed)
                        remaining.Add(new(orgId, entry));
                    else if (!await HasMore(orgId, seq ?? -1, ct))
                        _seen[orgId] = entry;
                    if (!(committed - seq > settings.MaxBacklog) && activity.Writes != writes)
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
            changeLog.Record(orgId);
        _caughtUp = since;
    }

    /// <summary>Whether there is enough work for a round.</summary>
    protected virtual Task<bool> FindPending(CancellationToken ct) => Task.FromResult(true);

    /// <summary>
    /// Consumes the next batch of changes of an organization after <paramref name="seq"/> and up to <paramref name="committed"/>, and
    /// returns the new offset. The transaction holds the lock of the offset, so no other instance consumes the same changes; if this
    /// throws, all of it is rolled back.
    /// </summary>
    protected abstract Task<long> Consume(Sql.Transaction transaction, Guid orgId, long seq, long committed);

    /// <summary>Whether the organization has changes after an offset.</summary>
    protected virtual Task<bool> HasMore(Guid orgId, long seq, CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<bool>(
            """
            select exists (select from messages where org_id = @OrgId and seq > @Seq)
                or exists (select from chats where org_id = @OrgId and seq > @Seq)
            """,
            new { OrgId = orgId, Seq = seq },
            ct);

    /// <summary>
    /// The organizations that have changes after their offset. It asks for the last number, which is one step in the index: for "exists"
    /// the planner may read whole tables.
    /// </summary>
    protected virtual Task<IReadOnlyList<Guid>> FindLagging(CancellationToken ct) =>
        db.ReadAsync<Guid>(
            """
            select o.id
            from organizations o
            left join followers f on f.org_id = o.id and f.follower = @Name
            where o.deleted_at is null
              and ((select max(m.seq) from messages m where m.org_id = o.id) > coalesce(f.seq, -1)
                or (select max(c.seq) from chats c where c.org_id = o.id) > coalesce(f.seq, -1))
            """,
            new { Name = name },
            ct);

    // Null: another instance holds the lock of the offset, or the organization is being deleted.
    private Task<long?> Consume(Guid orgId, long committed, CancellationToken ct) => db.InTransactionAsync<long?>(
        async transaction =>
        {
            if (await ConsumerOffset.Take(transaction, orgId, name, wait: false) is not { } seq)
                return null;
            if (seq >= committed)
                return seq;
            var reached = await Consume(transaction, orgId, seq, committed);
            await ConsumerOffset.Move(transaction, orgId, name, reached);
            return reached;
        },
        ct);

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
                select id, @Name
                from organizations
                where id = @OrgId
                  and deleted_at is null
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
