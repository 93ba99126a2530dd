using System.Diagnostics;
using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.ChangeFeed;

/// <summary>
/// Follows what arrives, organization by organization, each settled arrival once: how far it came is committed together with what it made of it.
/// Every instance has one, and they work past each other: at the organizations that they wrote to, and now and then at what others left behind.
/// </summary>
internal abstract partial class FeedConsumer(
    string name, NpgsqlDataSource db, ChangeLog changeLog, FeedSettings settings, IngestActivity activity, TimeProvider time, ILogger log)
    : BackgroundService
{
    // What it knows to have seen of each organization: the note that it looked after.
    private readonly Dictionary<Guid, long> _seen = [];
    // It tries several times a second; a database that is away for an hour would be said thousands of times.
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

    /// <summary>One round: until all that is settled now is done, in the organizations that have something new.</summary>
    public async Task Run(CancellationToken ct)
    {
        var news = changeLog.Recorded.Where(note => _seen.GetValueOrDefault(note.Key) < note.Value).ToList();
        if (news.Count == 0)
            return;
        var settled = await changeLog.Commit(ct);
        while (news.Count > 0)
        {
            var more = new List<KeyValuePair<Guid, long>>();
            foreach (var (orgId, note) in news)
            {
                var (since, writes) = (Stopwatch.GetTimestamp(), activity.Writes);
                try
                {
                    var seq = await Consume(orgId, settled, ct);
                    if (seq < settled)
                        more.Add(new(orgId, note));
                    else if (!await HasMore(orgId, seq ?? -1, ct))
                        _seen[orgId] = note;
                    if (!(settled - seq > settings.MaxBacklog) && activity.Writes != writes)
                        await Task.Delay(Stopwatch.GetElapsedTime(since) * settings.YieldFactor, ct);
                }
                // One organization is not in the way of the others; it is looked at again in the next round.
                catch (Exception failure) when (!ct.IsCancellationRequested)
                {
                    Failed(failure);
                }
            }
            news = more;
        }
    }

    /// <summary>Looks for organizations in which something arrived that was not followed, whoever wrote it.</summary>
    public async Task CatchUp(CancellationToken ct)
    {
        var since = time.GetTimestamp();
        foreach (var orgId in await FindLagging(ct))
            changeLog.Record(orgId);
        _caughtUp = since;
    }

    /// <summary>Whether it is worth a round already.</summary>
    protected virtual Task<bool> FindPending(CancellationToken ct) => Task.FromResult(true);

    /// <summary>
    /// Does the next piece of what arrived in an organization after <paramref name="seq"/> and up to <paramref name="settled"/>; answers how far it
    /// got. Nobody else is at it, and all of it is rolled back if this throws.
    /// </summary>
    protected abstract Task<long> Consume(Sql.Transaction transaction, Guid orgId, long seq, long settled);

    /// <summary>Whether anything is there beyond.</summary>
    protected virtual Task<bool> HasMore(Guid orgId, long seq, CancellationToken ct) =>
        db.QuerySingleOrDefaultAsync<bool>(
            """
            select exists (select from messages where org_id = @OrgId and seq > @Seq)
                or exists (select from chats where org_id = @OrgId and seq > @Seq)
            """,
            new { OrgId = orgId, Seq = seq },
            ct);

    /// <summary>The organizations in which anything is there beyond.</summary>
    protected virtual Task<IReadOnlyList<Guid>> FindLagging(CancellationToken ct) =>
        db.QueryAsync<Guid>(
            """
            select o.id
            from organizations o
            left join followers f on f.org_id = o.id and f.follower = @Name
            where o.deleted_at is null
              and (exists (select from messages m where m.org_id = o.id and m.seq > coalesce(f.seq, -1))
                or exists (select from chats c where c.org_id = o.id and c.seq > coalesce(f.seq, -1)))
            """,
            new { Name = name },
            ct);

    // Null: not now, for somebody else is at it, or the organization is being removed.
    private Task<long?> Consume(Guid orgId, long settled, CancellationToken ct) => db.InTransactionAsync<long?>(
        async transaction =>
        {
            if (await ConsumerOffset.Take(transaction, orgId, name, wait: false) is not { } seq)
                return null;
            if (seq >= settled)
                return seq;
            var reached = await Consume(transaction, orgId, seq, settled);
            await ConsumerOffset.Move(transaction, orgId, name, reached);
            return reached;
        },
        ct);

    /// <summary>How far a follower has come in an organization; whoever has taken it keeps it from moving until the transaction ends.</summary>
    internal static class ConsumerOffset
    {
        /// <summary>Null: somebody else has taken it (only without <paramref name="wait"/>), or there is no such organization any more.</summary>
        public static async Task<long?> Take(Sql.Transaction transaction, Guid orgId, string name, bool wait)
        {
            var place = new { OrgId = orgId, Name = name };
            if (await Lock(transaction, place, wait) is { } seq)
                return seq;
            // Not there, or not to be had: a row that is there stays as it is.
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
                "update followers set seq = @Seq where org_id = @OrgId and follower = @Name", new { OrgId = orgId, Name = name, Seq = seq });

        private static Task<long?> Lock(Sql.Transaction transaction, object place, bool wait) => wait
            ? transaction.QuerySingleOrDefaultAsync<long?>("select seq from followers where org_id = @OrgId and follower = @Name for update", place)
            : transaction.QuerySingleOrDefaultAsync<long?>("select seq from followers where org_id = @OrgId and follower = @Name for update skip locked", place);
    }

    private void Failed(Exception failure)
    {
        if (_failures.ShouldLog(out _))
            CannotConsume(log, name, failure.Message);
    }

    [LoggerMessage(LogLevel.Warning, "What arrived cannot be followed ({Name}); trying again: {Reason}")]
    private static partial void CannotConsume(ILogger log, string name, string reason);
}
