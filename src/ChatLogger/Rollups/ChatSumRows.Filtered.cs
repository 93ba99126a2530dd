using ChatLogger.Data;

namespace ChatLogger.Rollups;

// The sums of the chats that a filter lets pass. Their tags are those of now, because no change of a chat is waiting to be counted when
// analytics are read.
internal static partial class ChatSumRows
{
    /// <summary>The sums of the chats that were created in a range of time and have all of the tags, by their ids.</summary>
    public static async Task<IReadOnlyList<ChatSum>> CreatedIn(
        Sql.Transaction transaction, Guid orgId, int[] tags, DateTime from, DateTime to) =>
    [
        .. (await transaction.QueryAsync<SumRow>(
            $"""
            select {Columns}
            from chat_sums s
            where s.org_id = @OrgId
              and s.created_at >= @From
              and s.created_at < @To
              and s.tags @> @Tags
            """,
            new { OrgId = orgId, Tags = tags, From = from, To = to })).Select(row => row.ToSum()),
    ];

    /// <summary>Computes the bucket of a quarter from the sums of its chats; <paramref name="tag"/> 0: of all of them.</summary>
    public static async Task<RollupBucket> Bucket(Sql.Transaction transaction, Guid orgId, int tag, long start)
    {
        var tags = tag == 0 ? Array.Empty<int>() : [tag];
        var bucket = new RollupBucket();
        foreach (var row in await transaction.QueryAsync<SumAndQuarterRow>(
            $"""
            select {Columns}, q.start, q.counts
            from chat_quarters q
            join chat_sums s on s.org_id = q.org_id and s.chat_id = q.chat_id
            where q.org_id = @OrgId
              and q.start = @Start
              and s.tags @> @Tags
            """,
            new { OrgId = orgId, Tags = tags, Start = TimeBuckets.Instant(start) }))
        {
            var sum = row.ToSum();
            row.ToQuarter().AddTo(bucket, sum, sum.Tags);
        }
        var end = start + TimeBuckets.Length(TimeBuckets.Quarter);
        foreach (var sum in await CreatedIn(transaction, orgId, tags, TimeBuckets.Instant(start), TimeBuckets.Instant(end)))
            bucket.Conversations.Add(Conversation.Of(sum));
        return bucket;
    }

    /// <summary>The sums, and the quarters that start in a range of time, of the chats with the given tags and model.</summary>
    /// <param name="transaction">The snapshot.</param>
    /// <param name="orgId">The organization.</param>
    /// <param name="tags">Chats with all of these tags, by their ids.</param>
    /// <param name="model">Chats with a message of this model, by its id; null: any chat.</param>
    /// <param name="also">Chats that have one, as is known otherwise.</param>
    /// <param name="from">The start of the range.</param>
    /// <param name="to">Its end.</param>
    public static async Task<IReadOnlyList<(ChatSum Sum, long Start, ChatQuarter Quarter)>> Filtered(
        Sql.Transaction transaction, Guid orgId, int[] tags, int? model, Guid[] also, DateTime from, DateTime to) =>
    [
        // Most chats are over before the range, or begin after it; only their ratings may be of another time.
        .. (await transaction.QueryAsync<SumAndQuarterRow>(
            $"""
            select {Columns}, q.start, q.counts
            from chat_sums s
            join chat_quarters q on q.org_id = s.org_id and q.chat_id = s.chat_id
            where s.org_id = @OrgId
              and s.tags @> @Tags
              and (@Model::int is null or s.models @> array[@Model::int] or s.chat_id = any(@Also))
              and (
                  s.feedback_up + s.feedback_down > 0
                  or greatest(s.created_at, s.last_at) >= @From and least(s.created_at, s.first_at) < @To + interval '15 minutes')
              and q.start >= @From
              and q.start < @To
            """,
            new { OrgId = orgId, Tags = tags, Model = model, Also = also, From = from, To = to }))
        .Select(row => (row.ToSum(), TimeBuckets.Milliseconds(row.Start), row.ToQuarter())),
    ];
}
