using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Rollups;

/// <summary>
/// Computes the sums of chats and the rollups of an organization anew from the rows, and compares them with the stored ones. The comparison
/// takes no locks. If there are differences, it repairs them under the lock of the rollup offset; until then nothing is aggregated in this
/// organization.
/// </summary>
internal sealed class RollupVerifier([FromKeyedServices(Pools.Analytics)] NpgsqlDataSource db, FeedSettings settings)
{
    private const int BatchChats = 500;

    /// <summary>Returns how many rollups there should be, and how many rollups and sums were wrong and have been repaired.</summary>
    public async Task<(int Rollups, int Differences)> Run(Guid orgId, CancellationToken ct)
    {
        await RollupUpdates.CatchUp(db, orgId, long.MaxValue, settings.BatchRows, ct);
        var seen = await db.InSnapshotAsync(snapshot => Compare(snapshot, orgId, mayRepair: false), ct);
        return seen.Differences == 0 ? seen : await db.InTransactionAsync(transaction => Compare(transaction, orgId, mayRepair: true), ct);
    }

    private static async Task<(int Rollups, int Differences)> Compare(Sql.Transaction transaction, Guid orgId, bool mayRepair)
    {
        var offset = mayRepair
            ? await FeedConsumer.ConsumerOffset.Take(transaction, orgId, RollupUpdates.Name, wait: true)
            : await transaction.QuerySingleOrDefaultAsync<long?>(
                "select seq from followers where org_id = @OrgId and follower = @Name", new { OrgId = orgId, RollupUpdates.Name });
        var (upTo, quarters, differences) = (offset ?? -1, new Dictionary<long, RollupBucket>(), 0);
        for (var (after, chats) = (Guid.Empty, (Guid[])[]); ; after = chats[^1])
        {
            chats =
            [
                .. await transaction.QueryAsync<Guid>(
                    """
                    select id
                    from (
                        select id from chats where org_id = @OrgId and id > @After and deleted_at is null and seq <= @UpTo
                        union
                        select chat_id from chat_sums where org_id = @OrgId and chat_id > @After
                    ) chat
                    order by id
                    limit @BatchChats
                    """,
                    new { OrgId = orgId, After = after, UpTo = upTo, BatchChats }),
            ];
            if (chats.Length == 0)
                break;
            differences += await CompareChats(transaction, orgId, upTo, chats, quarters, mayRepair);
        }
        var counted = RollupTiers.InAllTiers(quarters);
        return (counted.Count, differences + await CompareRollups(transaction, orgId, counted, mayRepair));
    }

    private static async Task<int> CompareChats(
        Sql.Transaction transaction, Guid orgId, long upTo, Guid[] chats, Dictionary<long, RollupBucket> quarters, bool mayRepair)
    {
        var events = await RollupSql.Read(transaction, RollupSql.OfChats, new { OrgId = orgId, Chats = chats, UpTo = upTo });
        var ids = await DimensionIds.Of(transaction, orgId, DimensionIds.NamesOf(events), mayAdd: mayRepair);
        var sums = new Dictionary<Guid, ChatSum>();
        foreach (var chat in events.Where(what => what.Kind == AnalyticsEventKind.Chat))
            sums.Add(chat.ChatId, new ChatSum(chat.ChatId, chat.At, ids.Person(chat)) { Tags = ids.Tags(chat) });
        var parts = new Dictionary<(Guid ChatId, long Start), ChatQuarter>();
        foreach (var what in events)
        {
            var place = (what.ChatId, TimeBuckets.StartOf(TimeBuckets.Quarter, what.At));
            if (!parts.TryGetValue(place, out var part))
                parts.Add(place, part = new ChatQuarter());
            part.Add(what, ids.Model(what));
            sums[what.ChatId].Add(what, ids.Model(what));
        }
        foreach (var ((chatId, start), part) in parts)
            part.AddTo(At(start), sums[chatId], sums[chatId].Tags);
        foreach (var sum in sums.Values)
            At(TimeBuckets.StartOf(TimeBuckets.Quarter, sum.CreatedAt)).Conversations.Add(Conversation.Of(sum));

        var stored = await ChatSumRows.Read(transaction, orgId, chats);
        var wrong = chats.Where(id => !Same(sums.GetValueOrDefault(id), stored.GetValueOrDefault(id))).ToHashSet();
        var storedParts = (await ChatSumRows.ReadQuarters(transaction, orgId, chats)).ToDictionary(
            row => (row.ChatId, row.StartMs), row => row.Counts);
        wrong.UnionWith(storedParts.Keys.Where(place => !parts.ContainsKey(place)).Select(place => place.ChatId));
        wrong.UnionWith(parts
            .Where(part => !storedParts.GetValueOrDefault(part.Key, []).AsSpan().SequenceEqual(RollupCodec.Of(part.Value, part.Key.Start)))
            .Select(part => part.Key.ChatId));
        if (mayRepair && wrong.Count > 0)
        {
            await ChatSumRows.Delete(transaction, orgId, [.. wrong]);
            await ChatSumRows.Write(transaction, orgId, [.. sums.Values.Where(sum => wrong.Contains(sum.ChatId))]);
            await ChatSumRows.Write(transaction, orgId, [.. parts.Where(part => wrong.Contains(part.Key.ChatId))]);
        }
        return wrong.Count;

        RollupBucket At(long start)
        {
            if (!quarters.TryGetValue(start, out var bucket))
                quarters.Add(start, bucket = new RollupBucket());
            return bucket;
        }
    }

    private static async Task<int> CompareRollups(
        Sql.Transaction transaction, Guid orgId, Dictionary<(int Tier, long Start), RollupBucket> counted, bool mayRepair)
    {
        var spans = (await transaction.QueryAsync<Span>("select tier, start from rollups where org_id = @OrgId", new { OrgId = orgId }))
            .Select(row => ((int)row.Tier, TimeBuckets.Milliseconds(row.Start)))
            .Union(counted.Keys);
        var different = new Dictionary<(int Tier, long Start), RollupBucket>();
        foreach (var some in spans.Chunk(BatchChats))
        {
            var stored = await RollupRows.Read(transaction, orgId, some);
            foreach (var span in some)
            {
                var expected = counted.GetValueOrDefault(span) ?? new RollupBucket();
                if (!Encoded(expected, span.Item2).SequenceEqual(Encoded(stored.GetValueOrDefault(span) ?? new RollupBucket(), span.Item2)))
                    different.Add(span, expected);
            }
        }
        if (mayRepair)
            await RollupRows.Write(transaction, orgId, different);
        return different.Count;
    }

    private static byte[] Encoded(RollupBucket bucket, long start) =>
    [
        .. RollupCodec.Of(bucket.Counts),
        .. RollupCodec.Of(bucket.People, start),
        .. RollupCodec.Of(bucket.Tags),
        .. RollupCodec.Of(bucket.Models),
        .. RollupCodec.Of(bucket.Conversations),
    ];

    private static bool Same(ChatSum? one, ChatSum? other) =>
        one is null || other is null
            ? one == other
            : one.Person == other.Person
                && one.CreatedAt == other.CreatedAt
                && one.Tags.ToHashSet().SetEquals(other.Tags)
                && one.Models.SequenceEqual(other.Models)
                && (one.FirstAt, one.LastAt, one.FirstAssistantAt) == (other.FirstAt, other.LastAt, other.FirstAssistantAt)
                && Conversation.Of(one) == Conversation.Of(other);

    private sealed record Span(short Tier, DateTime Start);
}
