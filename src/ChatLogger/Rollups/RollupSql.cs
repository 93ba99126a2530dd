using ChatLogger.Features;

namespace ChatLogger.Rollups;

/// <summary>
/// Reads events from the rows in the way <see cref="SummarySql"/> counts them: of chats that are not deleted, with their current tags.
/// </summary>
internal static partial class RollupSql
{
    private static readonly string Roles =
        $"case m.role {string.Join(' ', BucketCounts.RoleNames.Select((role, index) => $"when '{role}' then {index}"))} end";

    // The rows of events are found first, and each of them finds its chat; "offset 0" keeps the planner from doing it otherwise. Of an
    // organization that has just been filled it knows nothing, believes that it has one row, and takes any index for as good as another:
    // so each subquery asks for the order of the index that it means. By "=" the order would be known, and the wish without effect;
    // hence ">=" and "<=".
    private static string Chats(string which, string from = "") =>
        $"""
        select {(int)AnalyticsEventKind.Chat}, c.id, c.created_at, c.user_id, c.external_user_id, c.tags, null::text, 0, null::int, 0, 0,
               0, 0, 0
        from {from} (
            select h.id, h.created_at, h.user_id, h.external_user_id, h.tags
            from chats h
            where h.org_id = @OrgId
              and h.deleted_at is null
              {which}
            offset 0
        ) c
        """;

    private static string Messages(string which, string from = "") =>
        $"""
        select {(int)AnalyticsEventKind.Message}, m.chat_id, m.created_at, c.user_id, c.external_user_id, c.tags, m.model, {Roles},
               m.latency_ms, coalesce(m.token_count, coalesce(m.prompt_tokens, 0) + coalesce(m.completion_tokens, 0)),
               coalesce(m.prompt_tokens, 0), coalesce(m.completion_tokens, 0), 0, 0
        from {from} (
            select h.chat_id, h.created_at, h.model, h.role, h.latency_ms, h.token_count, h.prompt_tokens, h.completion_tokens
            from messages h
            where h.org_id = @OrgId
              {which}
            offset 0
        ) m
        {ChatOf("m")}
        """;

    private static string Ratings(string which, string from = "") => Feedback("feedback", "", which, from);

    private static string Replaced(string which, string from = "") => Feedback("feedback_replaced", "", which, from);

    private static string Removed(string which) => Feedback("feedback_replaced", "-", which, "");

    private static string Feedback(string table, string sign, string which, string from) =>
        $"""
        select {(int)AnalyticsEventKind.Feedback}, f.chat_id, f.at, null::uuid, null, c.tags, null::text, 0, null::int, 0, 0, 0,
               {sign}(f.rating = 'up')::int, {sign}(f.rating = 'down')::int
        from {from} (
            select h.chat_id, h.at, h.rating
            from {table} h
            where h.org_id = @OrgId
              {which}
            offset 0
        ) f
        {ChatOf("f")}
        """;

    private static string ChatOf(string row) =>
        $"""
        cross join lateral (
            select user_id, external_user_id, tags
            from chats
            where org_id = @OrgId
              and id >= {row}.chat_id
              and id <= {row}.chat_id
              and deleted_at is null
            order by id
            limit 1
        ) c
        """;

    private const string Parts = "unnest(@Starts, @Ends) as e(start, until) cross join lateral";

    /// <summary>
    /// The events after one sequence number and up to another. A rating that was replaced after the second number still counts. A rating
    /// from before the first number that was replaced in between is counted as -1.
    /// </summary>
    public static readonly string Arrived =
        $"""
        {Chats("and h.seq > @After and h.seq <= @UpTo order by h.seq")}
        union all
        {Messages("and h.seq > @After and h.seq <= @UpTo order by h.seq")}
        union all
        {Ratings("and h.seq > @After and h.seq <= @UpTo order by h.seq")}
        union all
        {Replaced("and h.until_seq > @UpTo and h.seq > @After and h.seq <= @UpTo")}
        union all
        {Removed("and h.until_seq > @After and h.until_seq <= @UpTo and h.seq <= @After")}
        """;

    /// <summary>The events with given sequence numbers that happened in a range of time; see <see cref="UnaggregatedEvents"/>.</summary>
    public static readonly string Fresh =
        $"""
        {Chats("and h.seq = any(@Chats) and h.created_at >= @From and h.created_at < @To")}
        union all
        {Messages("and h.seq = any(@Messages) and h.created_at >= @From and h.created_at < @To")}
        union all
        {Ratings("and h.seq = any(@Ratings) and h.at >= @From and h.at < @To")}
        union all
        {Removed("and h.until_seq = any(@Replaced) and h.seq <= @UpTo and h.at >= @From and h.at < @To")}
        """;

    /// <summary>The events in partial buckets up to a sequence number, with the ratings that were current at that number.</summary>
    public static readonly string Within =
        $"""
        {Chats("and h.created_at >= e.start and h.created_at < e.until and h.seq <= @UpTo", Parts)}
        union all
        {Messages("and h.created_at >= e.start and h.created_at < e.until and h.seq <= @UpTo", Parts)}
        union all
        {Ratings("and h.at >= e.start and h.at < e.until and h.seq <= @UpTo", Parts)}
        union all
        {Replaced("and h.at >= e.start and h.at < e.until and h.until_seq > @UpTo and h.seq <= @UpTo", Parts)}
        """;

    /// <summary>The messages of quarters of chats, up to a sequence number.</summary>
    public static readonly string OfQuarters = Messages(
        "and h.chat_id = q.chat_id and h.created_at >= q.start and h.created_at < q.until and h.seq <= @UpTo",
        "unnest(@Chats, @Starts, @Ends) as q(chat_id, start, until) cross join lateral");

    /// <summary>The events of chats up to a sequence number, with the ratings that were current at that number.</summary>
    public static readonly string OfChats =
        $"""
        {Chats("and h.id = any(@Chats) and h.seq <= @UpTo")}
        union all
        {Messages("and h.chat_id = any(@Chats) and h.seq <= @UpTo")}
        union all
        {Ratings("and h.chat_id = any(@Chats) and h.seq <= @UpTo")}
        union all
        {Replaced("and h.chat_id = any(@Chats) and h.until_seq > @UpTo and h.seq <= @UpTo")}
        """;
}
