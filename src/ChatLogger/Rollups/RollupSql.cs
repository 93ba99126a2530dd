using ChatLogger.Features;

namespace ChatLogger.Rollups;

/// <summary>
/// Reads events from the rows in the way <see cref="SummarySql"/> counts them: of chats that are not deleted, with their current tags.
/// </summary>
internal static partial class RollupSql
{
    private static readonly string Roles =
        $"case m.role {string.Join(' ', BucketCounts.RoleNames.Select((role, index) => $"when '{role}' then {index}"))} end";

    private static readonly string Message =
        $"""
        select {(int)AnalyticsEventKind.Message}, m.chat_id, m.created_at, c.user_id, c.external_user_id, c.tags, m.model, {Roles},
               m.latency_ms, coalesce(m.token_count, coalesce(m.prompt_tokens, 0) + coalesce(m.completion_tokens, 0)),
               coalesce(m.prompt_tokens, 0), coalesce(m.completion_tokens, 0), 0, 0
        """;

    private static readonly string Chat =
        $"""
        select {(int)AnalyticsEventKind.Chat}, c.id, c.created_at, c.user_id, c.external_user_id, c.tags, null::text, 0, null::int, 0, 0,
               0, 0, 0
        """;

    private static readonly string Rating =
        $$"""
        select {{(int)AnalyticsEventKind.Feedback}}, f.chat_id, f.at, null::uuid, null, '{}'::text[], null::text, 0, null::int, 0, 0, 0,
               (f.rating = 'up')::int, (f.rating = 'down')::int
        """;

    private static readonly string RatingRemoved =
        $$"""
        select {{(int)AnalyticsEventKind.Feedback}}, f.chat_id, f.at, null::uuid, null, '{}'::text[], null::text, 0, null::int, 0, 0, 0,
               -(f.rating = 'up')::int, -(f.rating = 'down')::int
        """;

    private static readonly string Chats =
        $"""
        {Chat}
        from chats c
        where c.org_id = @OrgId
          and c.deleted_at is null
        """;

    private static readonly string Messages =
        $"""
        {Message}
        from messages m
        join chats c on c.org_id = m.org_id and c.id = m.chat_id
        where m.org_id = @OrgId
          and c.deleted_at is null
        """;

    private static readonly string Ratings =
        $"""
        {Rating}
        from feedback f
        join chats c on c.org_id = f.org_id and c.id = f.chat_id
        where f.org_id = @OrgId
          and c.deleted_at is null
        """;

    private const string FromReplaced =
        """
        from feedback_replaced f
        join chats c on c.org_id = f.org_id and c.id = f.chat_id
        where f.org_id = @OrgId
          and c.deleted_at is null
        """;

    /// <summary>
    /// The events after one sequence number and up to another. A rating that was replaced after the second number still counts. A rating
    /// from before the first number that was replaced in between is counted as -1.
    /// </summary>
    public static readonly string Arrived =
        $"""
        {Chats}
          and c.seq > @After
          and c.seq <= @UpTo
        union all
        {Messages}
          and m.seq > @After
          and m.seq <= @UpTo
        union all
        {Ratings}
          and f.seq > @After
          and f.seq <= @UpTo
        union all
        {Rating}
        {FromReplaced}
          and f.until_seq > @UpTo
          and f.seq > @After
          and f.seq <= @UpTo
        union all
        {RatingRemoved}
        {FromReplaced}
          and f.until_seq > @After
          and f.until_seq <= @UpTo
          and f.seq <= @After
        """;

    /// <summary>The events with given sequence numbers that happened in a range of time; see <see cref="UnaggregatedEvents"/>.</summary>
    public static readonly string Fresh =
        $"""
        {Chats}
          and c.seq = any(@Chats)
          and c.created_at >= @From
          and c.created_at < @To
        union all
        {Messages}
          and m.seq = any(@Messages)
          and m.created_at >= @From
          and m.created_at < @To
        union all
        {Ratings}
          and f.seq = any(@Ratings)
          and f.at >= @From
          and f.at < @To
        union all
        {RatingRemoved}
        {FromReplaced}
          and f.until_seq = any(@Replaced)
          and f.seq <= @UpTo
          and f.at >= @From
          and f.at < @To
        """;

    /// <summary>The events in partial buckets up to a sequence number, with the ratings that were current at that number.</summary>
    public static readonly string Within =
        $"""
        {Chat}
        from unnest(@Starts, @Ends) as e(start, until)
        join chats c on c.org_id = @OrgId and c.created_at >= e.start and c.created_at < e.until
        where c.seq <= @UpTo
          and c.deleted_at is null
        union all
        {Message}
        from unnest(@Starts, @Ends) as e(start, until)
        join messages m on m.org_id = @OrgId and m.created_at >= e.start and m.created_at < e.until
        join chats c on c.org_id = m.org_id and c.id = m.chat_id
        where m.seq <= @UpTo
          and c.deleted_at is null
        union all
        {Rating}
        from unnest(@Starts, @Ends) as e(start, until)
        join feedback f on f.org_id = @OrgId and f.at >= e.start and f.at < e.until
        join chats c on c.org_id = f.org_id and c.id = f.chat_id
        where f.seq <= @UpTo
          and c.deleted_at is null
        union all
        {Rating}
        from unnest(@Starts, @Ends) as e(start, until)
        join feedback_replaced f on f.org_id = @OrgId and f.at >= e.start and f.at < e.until
        join chats c on c.org_id = f.org_id and c.id = f.chat_id
        where f.until_seq > @UpTo
          and f.seq <= @UpTo
          and c.deleted_at is null
        """;

    /// <summary>The messages of quarters of chats, up to a sequence number.</summary>
    public static readonly string OfQuarters =
        $"""
        {Message}
        from unnest(@Chats, @Starts, @Ends) as q(chat_id, start, until)
        join messages m on m.org_id = @OrgId and m.chat_id = q.chat_id and m.created_at >= q.start and m.created_at < q.until
        join chats c on c.org_id = @OrgId and c.id = m.chat_id
        where m.seq <= @UpTo
        """;

    /// <summary>The events of chats up to a sequence number, with the ratings that were current at that number.</summary>
    public static readonly string OfChats =
        $"""
        {Chats}
          and c.id = any(@Chats)
          and c.seq <= @UpTo
        union all
        {Messages}
          and m.chat_id = any(@Chats)
          and m.seq <= @UpTo
        union all
        {Ratings}
          and f.chat_id = any(@Chats)
          and f.seq <= @UpTo
        union all
        {Rating}
        {FromReplaced}
          and f.chat_id = any(@Chats)
          and f.until_seq > @UpTo
          and f.seq <= @UpTo
        """;
}
