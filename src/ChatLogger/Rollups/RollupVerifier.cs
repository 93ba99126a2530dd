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
        var (upTo, quarters, differences) = (offset ?? -1, new Dictionary<(int Tag, long Start), RollupBucket>(), 0);
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
        Sql.Transaction transaction, Guid orgId, long upTo, Guid[] chats, Dictionary<(int Tag, long Start), RollupBucket> quarters,
        bool mayRepair)
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
            QuarterBuckets.AddTo(quarters, sums[chatId].Tags, start, part, sums[chatId]);
        foreach (var sum in sums.Values)
        {
            var start = TimeBuckets.StartOf(TimeBuckets.Quarter, sum.CreatedAt);
            foreach (var tag in QuarterBuckets.WithAll(sum.Tags))
                QuarterBuckets.At(quarters, tag, start).Conversations.Add(Conversation.Of(sum));
        }

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
    }

    private static async Task<int> CompareRollups(
        Sql.Transaction transaction, Guid orgId, Dictionary<RollupKey, RollupBucket> counted, bool mayRepair)
    {
        var keys = (await transaction.QueryAsync<KeyRow>(
                "select distinct tag, tier, start from rollups where org_id = @OrgId", new { OrgId = orgId }))
            .Select(row => new RollupKey(row.Tag, row.Tier, TimeBuckets.Milliseconds(row.Start)))
            .Union(counted.Keys);
        var differences = 0;
        foreach (var some in keys.Chunk(BatchChats))
        {
            var stored = await RollupRows.Read(transaction, orgId, some);
            var different = some.Where(key => !Same(Of(counted, key), Of(stored, key), key.Start)).ToHashSet();
            differences += different.Count;
            if (!mayRepair || different.Count == 0)
                continue;
            var repaired = await RollupRows.ReadFor(transaction, orgId, different.ToLookup(key => key, key => Of(counted, key)));
            foreach (var (key, bucket) in repaired)
                bucket.Replace(Of(counted, key));
            await RollupRows.Write(transaction, orgId, repaired);
        }
        return differences;
    }

    private static RollupBucket Of(Dictionary<RollupKey, RollupBucket> buckets, RollupKey key) => buckets.GetValueOrDefault(key) ?? new();

    private static bool Same(RollupBucket one, RollupBucket other, long start)
    {
        var (left, right) = (RollupCells.Of(one, start).Rows(0, long.MaxValue), RollupCells.Of(other, start).Rows(0, long.MaxValue));
        return left.Count == right.Count
            && left.Zip(right).All(row => row.First.First == row.Second.First && row.First.Cells.AsSpan().SequenceEqual(row.Second.Cells));
    }

    private static bool Same(ChatSum? one, ChatSum? other) =>
        one is null || other is null
            ? one == other
            : one.Person == other.Person
                && one.CreatedAt == other.CreatedAt
                && one.Tags.ToHashSet().SetEquals(other.Tags)
                && one.Models.SequenceEqual(other.Models)
                && (one.FirstAt, one.LastAt, one.FirstAssistantAt) == (other.FirstAt, other.LastAt, other.FirstAssistantAt)
                && Conversation.Of(one) == Conversation.Of(other);

    private sealed record KeyRow(int Tag, short Tier, DateTime Start);
}
