using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Rollups;

/// <summary>
/// The rollup offset of an organization and the sequence numbers of the changes after it. The numbers are read from the indexes first and
/// then used as keys, because the planner cannot estimate "seq > offset": it may match most of a table or nothing, and the sequence is
/// shared by all organizations.
/// </summary>
internal sealed record UnaggregatedEvents(long UpTo, long[] Chats, long[] Messages, long[] Ratings, long[] Replaced)
{
    /// <summary>If more events of one kind are unaggregated, it is cheaper to compute the response in the database from all rows.</summary>
    private const int MaxEvents = 250_000;

    private const int Attempts = 5;

    /// <summary>
    /// Reads the snapshot of an organization, after what is counted of deleted and changed chats has been moved. The reader gets no
    /// unaggregated events if there are more than <see cref="MaxEvents"/> of a kind, or if chats are being changed without a pause, and
    /// must then read rows. A reader that cannot add the events to what is counted returns null, and reads again when they are aggregated.
    /// </summary>
    public static async Task<T> InSnapshot<T>(
        NpgsqlDataSource db, Guid orgId, FeedSettings settings, Func<Sql.Transaction, UnaggregatedEvents?, Task<T?>> read,
        CancellationToken ct)
        where T : class
    {
        for (var attempt = 1; ; attempt++)
        {
            var (result, needed) = await db.InSnapshotAsync<(T?, long)>(
                async snapshot =>
                {
                    var tail = await Of(snapshot, orgId);
                    if (tail is null)
                        return (await read(snapshot, null), 0);
                    var needed = await RollupUpdates.LastEvent(snapshot, orgId);
                    if (needed is null || needed <= tail.UpTo)
                    {
                        if (await read(snapshot, tail) is { } counted)
                            return (counted, 0);
                        needed = tail.Messages.Max();
                    }
                    return attempt < Attempts ? (null, needed.Value) : (await read(snapshot, null), 0);
                },
                ct);
            if (result is not null)
                return result;
            await RollupUpdates.CatchUp(db, orgId, needed, settings.BatchRows, ct);
        }
    }

    /// <summary>Null: more than <see cref="MaxEvents"/> events of a kind are not aggregated yet.</summary>
    private static async Task<UnaggregatedEvents?> Of(Sql.Transaction snapshot, Guid orgId)
    {
        var upTo = await snapshot.QuerySingleOrDefaultAsync<long?>(
            "select seq from followers where org_id = @OrgId and follower = @Name", new { OrgId = orgId, RollupUpdates.Name }) ?? -1;
        var messages = await After("select seq from messages where org_id = @OrgId and seq > @UpTo order by seq limit @Limit");
        var chats = await After("select seq from chats where org_id = @OrgId and seq > @UpTo order by seq limit @Limit");
        var ratings = await After("select seq from feedback where org_id = @OrgId and seq > @UpTo order by seq limit @Limit");
        var replaced = await After(
            "select until_seq from feedback_replaced where org_id = @OrgId and until_seq > @UpTo order by until_seq limit @Limit");
        return new[] { messages, chats, ratings, replaced }.Any(numbers => numbers.Length > MaxEvents)
            ? null
            : new(upTo, chats, messages, ratings, replaced);

        async Task<long[]> After(string sql) =>
            [
                .. await snapshot.QueryAsync<long>(
                    sql,
                    new
                    {
                        OrgId = orgId,
                        UpTo = upTo,
                        Limit = MaxEvents + 1,
                    }),
            ];
    }

    /// <summary>Reads the unaggregated events that happened in a range of time.</summary>
    public Task<List<AnalyticsEvent>> Read(Sql.Transaction snapshot, Guid orgId, DateTimeOffset from, DateTimeOffset to) =>
        RollupSql.Read(snapshot, RollupSql.Fresh, new { OrgId = orgId, UpTo, Chats, Messages, Ratings, Replaced, From = from, To = to });
}
