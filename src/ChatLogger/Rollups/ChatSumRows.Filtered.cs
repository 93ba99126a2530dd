using ChatLogger.Data;

namespace ChatLogger.Rollups;

// The sums of the chats that a filter lets pass.
internal static partial class ChatSumRows
{
    /// <summary>The sums of the chats that were created in a range of time, have all of the tags and are not deleted.</summary>
    public static async Task<IReadOnlyList<ChatSum>> Tagged(
        Sql.Transaction transaction, Guid orgId, string[] tags, DateTime from, DateTime to) =>
    [
        .. (await transaction.QueryAsync<SumRow>(
            $"""
            select {Columns}
            from chats c
            join chat_sums s on s.org_id = c.org_id and s.chat_id = c.id
            where c.org_id = @OrgId
              and c.tags @> @Tags
              and c.deleted_at is null
              and s.created_at >= @From
              and s.created_at < @To
            """,
            new { OrgId = orgId, Tags = tags, From = from, To = to })).Select(row => row.ToSum()),
    ];

    /// <summary>
    /// The sums, and the quarters that start in a range of time, of the chats with the given tags and model that are not deleted.
    /// </summary>
    /// <param name="transaction">The snapshot.</param>
    /// <param name="orgId">The organization.</param>
    /// <param name="tags">Chats with all of these tags.</param>
    /// <param name="model">Chats with a message of this model, by its id; null: any chat.</param>
    /// <param name="also">Chats that have one, as is known otherwise.</param>
    /// <param name="from">The start of the range.</param>
    /// <param name="to">Its end.</param>
    public static async Task<IReadOnlyList<(ChatSum Sum, long Start, ChatQuarter Quarter)>> Filtered(
        Sql.Transaction transaction, Guid orgId, string[] tags, int? model, Guid[] also, DateTime from, DateTime to) =>
    [
        .. (await transaction.QueryAsync<SumAndQuarterRow>(
            $"""
            select {Columns}, q.start, q.counts
            from chats c
            join chat_sums s on s.org_id = c.org_id and s.chat_id = c.id
            join chat_quarters q on q.org_id = c.org_id and q.chat_id = c.id
            where c.org_id = @OrgId
              and c.tags @> @Tags
              and c.deleted_at is null
              and (@Model::int is null or s.models @> array[@Model::int] or c.id = any(@Also))
              and q.start >= @From
              and q.start < @To
            """,
            new { OrgId = orgId, Tags = tags, Model = model, Also = also, From = from, To = to }))
        .Select(row => (row.ToSum(), TimeBuckets.Milliseconds(row.Start), row.ToQuarter())),
    ];
}
