using ChatLogger.ChangeFeed;
using ChatLogger.Data;

namespace ChatLogger.Rollups;

/// <summary>
/// Updates the rollups of an organization. Invariant: they contain all changes up to the consumer offset, of chats that are not deleted,
/// under the current tags of the chats. So aggregation moves the offset, and a transaction that deletes a chat or changes its tags must
/// call <see cref="Remove"/> or <see cref="Retag"/>.
/// </summary>
internal static class RollupUpdates
{
    /// <summary>The name of the consumer.</summary>
    public const string Name = "rollups";

    /// <summary>
    /// Locks the offset until the transaction ends, so the organization is not aggregated meanwhile. A transaction that deletes or changes
    /// something calls this before it locks the log of the organization: plugins do not wait for a batch that is being aggregated.
    /// </summary>
    public static Task LockOffset(Sql.Transaction transaction, Guid orgId) =>
        FeedConsumer.ConsumerOffset.Take(transaction, orgId, Name, wait: true);

    /// <summary>
    /// Aggregates the next batch of changes, about <paramref name="rows"/> rows, up to <paramref name="head"/> at most, and returns
    /// the new offset. The caller must hold the lock of the offset.
    /// </summary>
    public static async Task<long> Aggregate(Sql.Transaction transaction, Guid orgId, long after, long head, int rows)
    {
        var upTo = await Next(transaction, orgId, after, head, rows);
        var events = await RollupSql.Read(transaction, RollupSql.Arrived, new { OrgId = orgId, After = after, UpTo = upTo });
        if (events.Count > 0)
        {
            var buckets = InAllTiers(Quarters(events, await DimensionIds.Of(transaction, orgId, events, mayAdd: true)));
            foreach (var (span, kept) in await RollupRows.Read(transaction, orgId, buckets.Keys))
                buckets[span].Add(kept);
            await RollupRows.Write(transaction, orgId, buckets);
        }
        await transaction.ExecuteAsync(
            "delete from feedback_replaced where org_id = @OrgId and until_seq <= @UpTo", new { OrgId = orgId, UpTo = upTo });
        return upTo;
    }

    /// <summary>
    /// Subtracts a chat from the rollups. Call this once, in the transaction that deletes the chat, after marking it as deleted. It locks
    /// the offset, so the organization is not aggregated until the transaction ends.
    /// </summary>
    public static async Task Remove(Sql.Transaction transaction, Guid orgId, Guid chatId)
    {
        if (await FeedConsumer.ConsumerOffset.Take(transaction, orgId, Name, wait: true) is not { } upTo)
            return;
        await Subtract(
            transaction, orgId, upTo,
            await RollupSql.Read(transaction, RollupSql.OfChat, new { OrgId = orgId, ChatId = chatId, UpTo = upTo }));
    }

    /// <summary>
    /// Subtracts a message and its rating from the rollups. <paramref name="delete"/> deletes their rows, in the same transaction. It locks
    /// the offset, so the organization is not aggregated until the transaction ends.
    /// </summary>
    public static async Task RemoveMessage(Sql.Transaction transaction, Guid orgId, Guid chatId, Guid messageId, Func<Task> delete)
    {
        if (await FeedConsumer.ConsumerOffset.Take(transaction, orgId, Name, wait: true) is not { } upTo)
        {
            await delete();
            return;
        }
        var removed = await RollupSql.Read(
            transaction, RollupSql.OfMessage, new { OrgId = orgId, ChatId = chatId, MessageId = messageId, UpTo = upTo });
        await delete();
        await Subtract(transaction, orgId, upTo, removed);
    }

    // What is subtracted must not be in the rows any more: buckets that cannot be reduced are computed from them.
    private static async Task Subtract(Sql.Transaction transaction, Guid orgId, long upTo, List<AnalyticsEvent> removed)
    {
        if (removed.Count == 0)
            return;
        var parts = Quarters(removed, await DimensionIds.Of(transaction, orgId, removed, mayAdd: true));
        var hours = parts.Keys.Select(start => TimeBuckets.StartOf(TimeBuckets.Hour, start)).Distinct().ToArray();
        var quarters = await RollupRows.Read(transaction, orgId, [.. hours.SelectMany(hour => Inside(TimeBuckets.Hour, hour))]);
        var unknown = new List<long>();
        foreach (var (start, part) in parts)
        {
            // If the bucket is missing or cannot be reduced, Recount computes it from the rows.
            if (!quarters.TryGetValue((TimeBuckets.Quarter, start), out var quarter) || !quarter.Remove(part))
                unknown.Add(start);
        }
        foreach (var (start, quarter) in await Recount(transaction, orgId, unknown, upTo))
            quarters[(TimeBuckets.Quarter, start)] = quarter;

        // Maxima cannot be subtracted, so the hours and days are summed up anew from their parts.
        var buckets = parts.Keys.ToDictionary(start => (TimeBuckets.Quarter, start), start => quarters[(TimeBuckets.Quarter, start)]);
        foreach (var hour in hours)
            buckets.Add((TimeBuckets.Hour, hour), Sum(Inside(TimeBuckets.Hour, hour), quarters));
        var days = hours.Select(start => TimeBuckets.StartOf(TimeBuckets.Day, start)).Distinct().ToArray();
        var others = await RollupRows.Read(
            transaction,
            orgId,
            [.. days.SelectMany(day => Inside(TimeBuckets.Day, day)).Where(hour => !buckets.ContainsKey(hour))]);
        foreach (var (span, bucket) in buckets.Where(each => each.Key.Item1 == TimeBuckets.Hour))
            others.Add(span, bucket);
        foreach (var day in days)
            buckets.Add((TimeBuckets.Day, day), Sum(Inside(TimeBuckets.Day, day), others));
        await RollupRows.Write(transaction, orgId, buckets);
    }

    /// <summary>
    /// Moves the counts of a chat from its old tags to its new ones. Call this in the transaction that changes the tags. It locks the
    /// offset, so the organization is not aggregated until the transaction ends.
    /// </summary>
    public static async Task Retag(Sql.Transaction transaction, Guid orgId, Guid chatId, string[] before, string[] after)
    {
        if (await FeedConsumer.ConsumerOffset.Take(transaction, orgId, Name, wait: true) is not { } upTo)
            return;
        var counted = await RollupSql.Read(transaction, RollupSql.OfChat, new { OrgId = orgId, ChatId = chatId, UpTo = upTo });
        var uses = counted.Where(what => what.Kind != AnalyticsEventKind.Feedback).ToList();
        if (uses.Count == 0)
            return;

        var names = await DimensionIds.Of(transaction, orgId, [uses[0] with { Tags = [.. before, .. after] }], mayAdd: true);
        var (removed, added) = (names.Tags(uses[0] with { Tags = before }), names.Tags(uses[0] with { Tags = after }));
        var changes = uses.SelectMany(
                what => AllTiers,
                (what, tier) => (Span: (tier, TimeBuckets.StartOf(tier, what.At)), IsChat: what.Kind == AnalyticsEventKind.Chat))
            .GroupBy(use => use.Span, use => use.IsChat)
            .ToDictionary(span => span.Key, span => new TagCounts(span.LongCount(isChat => isChat), span.LongCount(isChat => !isChat)));
        var buckets = await RollupRows.Read(transaction, orgId, changes.Keys);
        foreach (var (span, bucket) in buckets)
        {
            var use = changes[span];
            foreach (var tag in removed)
                bucket.Add(tag, new(-use.Chats, -use.Messages));
            foreach (var tag in added)
                bucket.Add(tag, use);
        }
        await RollupRows.Write(transaction, orgId, buckets);
    }

    /// <summary>Computes from the rows what the rollups must be when they are aggregated up to <paramref name="upTo"/>.</summary>
    public static async Task<Dictionary<(int Tier, long Start), RollupBucket>> Count(
        Sql.Transaction transaction,
        Guid orgId,
        long upTo,
        int rows,
        bool mayAdd)
    {
        var quarters = new Dictionary<long, RollupBucket>();
        for (var after = -1L; after < upTo;)
        {
            var next = await Next(transaction, orgId, after, upTo, rows);
            var events = await RollupSql.Read(transaction, RollupSql.Arrived, new { OrgId = orgId, After = after, UpTo = next });
            Add(quarters, events, await DimensionIds.Of(transaction, orgId, events, mayAdd));
            after = next;
        }
        return InAllTiers(quarters);
    }

    // The offset at which the next batch ends.
    private static Task<long> Next(Sql.Transaction transaction, Guid orgId, long after, long last, int rows) =>
        transaction.QuerySingleOrDefaultAsync<long>(
            """
            select least(
                @Last,
                (select seq from chats where org_id = @OrgId and seq > @After order by seq offset @Rows limit 1),
                (select seq from messages where org_id = @OrgId and seq > @After order by seq offset @Rows limit 1),
                (select seq from feedback where org_id = @OrgId and seq > @After order by seq offset @Rows limit 1))
            """,
            new { OrgId = orgId, After = after, Last = last, Rows = rows - 1 });

    private static readonly int[] AllTiers = [TimeBuckets.Quarter, TimeBuckets.Hour, TimeBuckets.Day];

    private static Dictionary<long, RollupBucket> Quarters(IReadOnlyList<AnalyticsEvent> events, DimensionIds names)
    {
        var quarters = new Dictionary<long, RollupBucket>();
        Add(quarters, events, names);
        return quarters;
    }

    private static void Add(Dictionary<long, RollupBucket> quarters, IReadOnlyList<AnalyticsEvent> events, DimensionIds names)
    {
        foreach (var what in events)
        {
            var start = TimeBuckets.StartOf(TimeBuckets.Quarter, what.At);
            if (!quarters.TryGetValue(start, out var quarter))
                quarters.Add(start, quarter = new RollupBucket());
            quarter.Add(what, names.Person(what), names.Tags(what));
        }
    }

    private static Dictionary<(int Tier, long Start), RollupBucket> InAllTiers(Dictionary<long, RollupBucket> quarters)
    {
        var buckets = quarters.ToDictionary(quarter => (TimeBuckets.Quarter, quarter.Key), quarter => quarter.Value);
        foreach (var (start, quarter) in quarters)
        {
            foreach (var tier in (ReadOnlySpan<int>)[TimeBuckets.Hour, TimeBuckets.Day])
            {
                var span = (tier, TimeBuckets.StartOf(tier, start));
                if (!buckets.TryGetValue(span, out var bucket))
                    buckets.Add(span, bucket = new RollupBucket());
                bucket.Add(quarter);
            }
        }
        return buckets;
    }

    // Computes buckets from the rows up to the offset. The transaction holds the lock of the offset, so nothing is aggregated meanwhile.
    private static async Task<Dictionary<long, RollupBucket>> Recount(
        Sql.Transaction transaction,
        Guid orgId,
        List<long> quarters,
        long upTo)
    {
        if (quarters.Count == 0)
            return [];
        var rows = await RollupSql.Read(
            transaction,
            RollupSql.Within,
            RollupSql.PartialBuckets(
                orgId,
                upTo,
                quarters.Select(start => new TimeBuckets.PartialBucket(
                    TimeBuckets.Instant(start),
                    TimeBuckets.Instant(start + TimeBuckets.Length(TimeBuckets.Quarter))))));
        var counted = Quarters(rows, await DimensionIds.Of(transaction, orgId, rows, mayAdd: true));
        return quarters.ToDictionary(start => start, start => counted.GetValueOrDefault(start) ?? new RollupBucket());
    }

    private static IEnumerable<(int Tier, long Start)> Inside(int tier, long start)
    {
        for (var part = start; part < start + TimeBuckets.Length(tier); part += TimeBuckets.Length(tier - 1))
            yield return (tier - 1, part);
    }

    private static RollupBucket Sum(IEnumerable<(int Tier, long Start)> parts, Dictionary<(int Tier, long Start), RollupBucket> buckets)
    {
        var sum = new RollupBucket();
        foreach (var part in parts)
        {
            if (buckets.TryGetValue(part, out var bucket))
                sum.Add(bucket);
        }
        return sum;
    }
}
