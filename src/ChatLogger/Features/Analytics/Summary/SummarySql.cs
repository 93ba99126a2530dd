namespace ChatLogger.Features;

/// <summary>
/// The queries of a summary from the messages. The database never computes local days: a query assigns an instant to a span by comparing it
/// with the starts of the spans. The first span is the previous range (day -1).
/// </summary>
internal static class SummarySql
{
    public const string TimeZone = "select time_zone from organizations where id = @OrgId";

    // With a model only its messages count, and only chats that have one.
    private const string OfModel = "and (@Model::text is null or m.model = @Model)";

    public const string HasModel =
        """
        and (@Model::text is null
            or exists (select from messages x where x.org_id = c.org_id and x.chat_id = c.id and x.model = @Model))
        """;

    public const string Chats =
        $"""
        select (@DayOf::int[])[width_bucket(c.created_at, @Starts)] as day, count(*) as chats
        from chats c
        where c.org_id = @OrgId
          and c.deleted_at is null
          and c.created_at >= @PreviousFrom
          and c.created_at < @To
          and c.tags @> @Tag
          {HasModel}
        group by 1
        """;

    public const string Messages =
        $"""
        select (@DayOf::int[])[width_bucket(m.created_at, @Starts)] as day, m.role, count(*) as messages,
               coalesce(sum(coalesce(m.token_count, coalesce(m.prompt_tokens, 0) + coalesce(m.completion_tokens, 0))), 0)::bigint as tokens,
               coalesce(sum(m.prompt_tokens), 0)::bigint as prompt_tokens,
               coalesce(sum(m.completion_tokens), 0)::bigint as completion_tokens
        from messages m
        join chats c on c.org_id = m.org_id and c.id = m.chat_id
        where m.org_id = @OrgId
          and m.created_at >= @PreviousFrom
          and m.created_at < @To
          and c.deleted_at is null
          and c.tags @> @Tag
          {OfModel}
        group by 1, 2
        """;

    /// <summary>The latencies by day and over all days (day null). percentile_disc uses the nearest rank.</summary>
    public const string Latencies =
        $"""
        select day, count(*) as count, round(avg(latency_ms))::bigint as avg_ms,
               percentile_disc(0.5) within group (order by latency_ms) as p50,
               percentile_disc(0.9) within group (order by latency_ms) as p90,
               percentile_disc(0.95) within group (order by latency_ms) as p95,
               percentile_disc(0.99) within group (order by latency_ms) as p99,
               max(latency_ms) as max_ms
        from (
            select (@DayOf::int[])[width_bucket(m.created_at, @Starts)] as day, m.latency_ms
            from messages m
            join chats c on c.org_id = m.org_id and c.id = m.chat_id
            where m.org_id = @OrgId
              and m.created_at >= @From
              and m.created_at < @To
              and m.latency_ms is not null
              and c.deleted_at is null
              and c.tags @> @Tag
              {OfModel}
        ) latencies
        group by grouping sets ((day), ())
        having count(*) > 0
        """;

    public const string Feedback =
        $"""
        select f.at >= @From as is_current, f.rating, count(*) as ratings
        from feedback f
        join chats c on c.org_id = f.org_id and c.id = f.chat_id
        where f.org_id = @OrgId
          and f.at >= @PreviousFrom
          and f.at < @To
          and c.deleted_at is null
          and c.tags @> @Tag
          {HasModel}
        group by 1, 2
        """;

    public const string EndUsers =
        $"""
        select is_current, count(distinct external_user_id) as end_users
        from (
            select m.created_at >= @From as is_current, c.external_user_id
            from messages m
            join chats c on c.org_id = m.org_id and c.id = m.chat_id
            where m.org_id = @OrgId
              and m.created_at >= @PreviousFrom
              and m.created_at < @To
              and c.external_user_id is not null
              and c.deleted_at is null
              and c.tags @> @Tag
              {OfModel}
            group by 1, 2
            union all
            select c.created_at >= @From, c.external_user_id
            from chats c
            where c.org_id = @OrgId
              and c.created_at >= @PreviousFrom
              and c.created_at < @To
              and c.external_user_id is not null
              and c.deleted_at is null
              and c.tags @> @Tag
              {HasModel}
        ) seen
        group by 1
        """;

    /// <summary>The top users by messages, and the messages without a user (both ids null) whatever their rank.</summary>
    public const string Users =
        $"""
        with seen as (
            select c.user_id, c.external_user_id, 0 as chats, count(*) as messages,
                   sum(coalesce(m.token_count, coalesce(m.prompt_tokens, 0) + coalesce(m.completion_tokens, 0))) as tokens,
                   max(m.created_at) as last_seen_at
            from messages m
            join chats c on c.org_id = m.org_id and c.id = m.chat_id
            where m.org_id = @OrgId
              and m.created_at >= @From
              and m.created_at < @To
              and c.deleted_at is null
              and c.tags @> @Tag
              {OfModel}
            group by 1, 2
            union all
            select c.user_id, c.external_user_id, count(*), 0, 0, max(c.created_at)
            from chats c
            where c.org_id = @OrgId
              and c.created_at >= @From
              and c.created_at < @To
              and c.deleted_at is null
              and c.tags @> @Tag
              {HasModel}
            group by 1, 2
        ), users as (
            select user_id, external_user_id, sum(chats)::bigint as chats, sum(messages)::bigint as messages, sum(tokens)::bigint as tokens,
                   max(last_seen_at) as last_seen_at
            from seen
            group by 1, 2
        )
        (
            select user_id, external_user_id, chats, messages, tokens, last_seen_at
            from users
            where user_id is not null or external_user_id is not null
            order by messages desc, user_id nulls last, external_user_id collate "C" nulls last
            limit @Top
        )
        union all
        select user_id, external_user_id, chats, messages, tokens, last_seen_at
        from users
        where user_id is null
          and external_user_id is null
        """;

    public const string Tags =
        $"""
        select tag, count(*) filter (where c.created_at >= @From and c.created_at < @To) as chats,
               coalesce(sum(m.messages), 0)::bigint as messages
        from chats c
        left join (
            select m.chat_id, count(*) as messages
            from messages m
            where m.org_id = @OrgId
              and m.created_at >= @From
              and m.created_at < @To
              {OfModel}
            group by 1
        ) m on m.chat_id = c.id
        cross join lateral unnest(c.tags) tag
        where c.org_id = @OrgId
          and c.deleted_at is null
          and c.tags @> @Tag
          {HasModel}
          and (m.messages is not null or (c.created_at >= @From and c.created_at < @To))
        group by 1
        order by messages desc, tag collate "C"
        limit 1000
        """;

    /// <summary>The models of the messages in the range and in the one before.</summary>
    public const string Models =
        $"""
        select m.created_at >= @From as is_current, m.model, count(*) as messages,
               coalesce(sum(coalesce(m.token_count, coalesce(m.prompt_tokens, 0) + coalesce(m.completion_tokens, 0))), 0)::bigint as tokens,
               coalesce(sum(m.prompt_tokens), 0)::bigint as prompt_tokens,
               coalesce(sum(m.completion_tokens), 0)::bigint as completion_tokens
        from messages m
        join chats c on c.org_id = m.org_id and c.id = m.chat_id
        where m.org_id = @OrgId
          and m.created_at >= @PreviousFrom
          and m.created_at < @To
          and m.model is not null
          and c.deleted_at is null
          and c.tags @> @Tag
          {OfModel}
        group by 1, 2
        order by messages desc, m.model collate "C"
        """;

    public static object Parameters(Summary.Query query, DateRange range) => new
    {
        query.OrgId,
        query.Tag,
        query.Model,
        query.Top,
        range.From,
        range.To,
        range.PreviousFrom,
        Starts = range.Local.Buckets.Select(span => span.Start.UtcDateTime).Prepend(range.PreviousFrom.UtcDateTime).ToArray(),
        DayOf = range.Local.Buckets.Select(span => span.Day).Prepend(-1).ToArray(),
    };

    public sealed record ChatRow(int Day, long Chats);

    public sealed record MessageRow(int Day, string Role, long Messages, long Tokens, long PromptTokens, long CompletionTokens);

    public sealed record LatencyRow(int? Day, long Count, long AvgMs, int P50, int P90, int P95, int P99, int MaxMs);

    public sealed record FeedbackRow(bool IsCurrent, string Rating, long Ratings);

    public sealed record ModelRow(
        bool IsCurrent, string Model, long Messages, long Tokens, long PromptTokens, long CompletionTokens);

    public sealed record EndUserRow(bool IsCurrent, long EndUsers);

    public sealed record UserRow(Guid? UserId, string? ExternalUserId, long Chats, long Messages, long Tokens, DateTimeOffset LastSeenAt);
}
