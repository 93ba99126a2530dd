using ChatLogger.Data;
using ChatLogger.Rollups;

namespace ChatLogger.Features;

/// <summary>
/// Reads what a summary with several tags or a model counts, from the sums of the chats that have them: the rollups count each tag and
/// model by itself.
/// </summary>
internal static class SummaryFromSums
{
    /// <summary>Chats with all of the tags, and with messages of the model, of which only these count; null: any.</summary>
    internal sealed record Filter(Guid OrgId, string[] Tag, string? Model);

    /// <summary>The events in parts of quarters and beyond the offset that the filter lets pass; those of the sums are added.</summary>
    public static async Task<List<AnalyticsEvent>> Read(
        Sql.Transaction snapshot, Filter query, UnaggregatedEvents tail, DateTimeOffset from, DateTimeOffset to, RollupCounts counts,
        Action<RollupBucket, long> add)
    {
        var (partials, isWhole) = counts.Cut();
        var events = await tail.Read(snapshot, query.OrgId, from, to);
        if (partials.Count > 0)
            events.AddRange(
                await RollupSql.Read(snapshot, RollupSql.Within, RollupSql.PartialBuckets(query.OrgId, tail.UpTo, partials)));
        var chats = await Chats(snapshot, query, events);
        var model = query.Model is null ? (int?)null : await DimensionIds.OfModel(snapshot, query.OrgId, query.Model);
        var tags = await DimensionIds.OfTags(snapshot, query.OrgId, query.Tag);
        var also = await FreshChats(snapshot, query, tail);
        var buckets = new Dictionary<long, RollupBucket>();
        foreach (var (sum, start, quarter) in await ChatSumRows.Filtered(
            snapshot, query.OrgId, tags, model, also, from.UtcDateTime, to.UtcDateTime))
        {
            if (!buckets.TryGetValue(start, out var bucket) && isWhole(start))
                buckets.Add(start, bucket = new RollupBucket());
            if (bucket is not null)
                quarter.OfModel(model).AddTo(bucket, sum, sum.Tags);
        }
        foreach (var (start, bucket) in buckets)
            add(bucket, start);
        return events.FindAll(what =>
            chats.Contains(what.ChatId)
            && (query.Model is null || what.Kind != AnalyticsEventKind.Message || what.Model == query.Model));
    }

    // The chats that have a message of the model that is not counted yet, whenever it was.
    private static async Task<Guid[]> FreshChats(Sql.Transaction snapshot, Filter query, UnaggregatedEvents tail) =>
        query.Model is null
            ? []
            : [.. await snapshot.QueryAsync<Guid>(
                "select distinct chat_id from messages where org_id = @OrgId and seq = any(@Messages) and model = @Model",
                new { query.OrgId, query.Model, tail.Messages })];

    // Of the chats in the events those that the filter lets pass.
    private static async Task<HashSet<Guid>> Chats(Sql.Transaction snapshot, Filter query, List<AnalyticsEvent> events) =>
        [.. await snapshot.QueryAsync<Guid>(
            $"""
            select c.id
            from chats c
            where c.org_id = @OrgId
              and c.id = any(@Chats)
              and c.tags @> @Tag
              {SummarySql.HasModel}
            """,
            new { query.OrgId, query.Tag, query.Model, Chats = events.Select(what => what.ChatId).Distinct().ToArray() })];
}
