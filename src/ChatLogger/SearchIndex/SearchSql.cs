using Dapper;

namespace ChatLogger.SearchIndex;

/// <summary>The statements of a search. They are composed of constant clauses only; the search terms are passed as parameters.</summary>
internal sealed class SearchSql(SearchScope scope, SearchTokens tokens, UnindexedDocuments tail)
{
    // Only this many groups of alternatives are tested in the index; the match verifier tests the others.
    private const int MaxGroups = 8;

    /// <summary>The number of messages of one chat that are verified per statement.</summary>
    public const int BatchMessages = 128;

    // Forces index nested loops, which return rows in order. Otherwise a wrong estimate of the frequency of a token could make the planner
    // read whole tables.
    public const string Prepare = """
        select set_config('enable_seqscan', 'off', true),
               set_config('enable_hashjoin', 'off', true),
               set_config('enable_mergejoin', 'off', true),
               set_config('max_parallel_workers_per_gather', '0', true),
               set_config('jit', 'off', true)
        """;

    // PostgreSQL compares each element of one array with each of the other, so long lists are only asked of the index.
    private const int MaxAlternatives = 8;

    private string Candidate => AreCandidates(most: MaxAlternatives, "@All");

    private string AreCandidates(int most, string all) => string.Join(
        '\n',
        Enumerable.Range(0, Math.Min(MaxGroups, tokens.Any.Count))
            .Where(n => tokens.Any[n].Length <= most)
            .Select(n => $"and k.tokens && @Any{n}")
            .Prepend(tokens.All.Length == 0 && all == "@All" ? "" : $"and k.tokens @> {all}"));

    /// <summary>Whether a scan tells candidates from other chats by all tokens.</summary>
    public bool ScanIsExact => tokens.Any.All(any => any.Length <= MaxAlternatives);

    private string Unindexed => tail.IsWhole
        ? "c.id = any(@Tail)"
        : "c.seq > @Indexed or coalesce(c.text_seq > @Indexed, false) or unindexed.hit is not null";

    /// <summary>Scans the next chats, newest first, and returns whether each is a candidate.</summary>
    public string Walk(bool after, int chats) => $"""
        select c.id, c.created_at,
               candidate.hit is not null or {Unindexed} as hit
        from (
            select c.id, c.created_at, c.seq, c.text_seq
            from chats c
            where c.org_id = @OrgId
              and c.deleted_at is null
              {scope.Clauses}
              {(after ? "and (c.created_at, c.id) < (@AfterTime, @AfterId)" : "")}
            order by c.created_at desc, c.id desc
            limit {chats}
        ) c
        left join lateral (
            select true as hit
            from search_index k
            where k.org_id = @OrgId
              and k.chat_id = c.id
              {Candidate}
            limit 1
        ) candidate on true
        {(tail.IsWhole ? "" : UnindexedJoin)}
        order by c.created_at desc, c.id desc
        """;

    // With "exists" beside an "or" the planner might read all rows of the organization at once.
    private const string UnindexedJoin = """
        left join lateral (
            select true as hit
            from messages m
            where m.org_id = @OrgId
              and m.chat_id = c.id
              and m.seq > @Indexed
            limit 1
        ) unindexed on true
        """;

    /// <summary>
    /// Finds candidates in the index, together with the chats in which an unindexed document matches, newest chat first, since
    /// <c>@SpanStart</c> if there is a span of time. A chat may occur more than once.
    /// </summary>
    public string FromIndex(bool after, bool span, int rows) => $"""
        select found.id, found.created_at
        from (
            select k.chat_id as id, k.created_at
            from search_index k
            where k.org_id = @OrgId
              {AreCandidates(most: int.MaxValue, span ? "@AllInSpan" : "@All")}
              {(span ? "and k.created_at >= @SpanStart" : "")}
              {(after ? "and (k.created_at, k.chat_id) < (@AfterTime, @AfterId)" : "")}
            union all
            select c.id, c.created_at
            from chats c
            where c.org_id = @OrgId
              and c.id = any(@Tail)
              {(span ? "and c.created_at >= @SpanStart" : "")}
              {(after ? "and (c.created_at, c.id) < (@AfterTime, @AfterId)" : "")}
            order by created_at desc, id desc
        ) found
        join chats c on c.org_id = @OrgId and c.id = found.id
        where c.deleted_at is null
          {scope.Clauses}
        order by found.created_at desc, found.id desc
        limit {rows}
        """;

    /// <summary>
    /// Reads the documents of candidates that may match: the chat's own texts (without a message's id), and of its messages the first ones
    /// after a sequence number.
    /// </summary>
    public string Documents => $"""
        select chat.no::integer, d.seq, d.id, d.content, d.parts, d.tool_calls, d.title, d.tags, d.external_user_id
        from unnest(@ChatIds) with ordinality as chat(id, no)
        cross join lateral (
            select 0 as seq, null::uuid as id, null as content, null as parts, null as tool_calls, {DocumentReader.ChatColumns}
            from chats c
            left join lateral (
                select true as hit
                from search_index k
                where k.org_id = @OrgId
                  and k.chat_id = chat.id
                  and k.first_seq = 0
                  {Candidate}
                limit 1
            ) candidate on true
            where c.org_id = @OrgId
              and c.id = chat.id
              and @AfterSeq < 0
              and (candidate.hit {(tail.IsWhole ? "" : "or c.seq > @Indexed or c.text_seq > @Indexed")})
            union all
            (
                select m.seq, m.id, {DocumentReader.MessageColumns}, null, null, null
                from (
                    select m.seq, m.id, m.content, m.parts, m.tool_calls
                    from search_index k
                    join messages m on m.org_id = @OrgId and m.chat_id = k.chat_id and m.seq between k.first_seq and k.last_seq
                    where k.org_id = @OrgId
                      and k.chat_id = chat.id
                      and k.first_seq > 0
                      and m.seq > @AfterSeq
                      {Candidate}
                    {(tail.IsWhole ? "" : UnindexedOfChat)}
                ) m
                order by m.seq
                limit {BatchMessages}
            )
        ) d
        order by chat.no, d.seq
        """;

    private const string UnindexedOfChat = """
        union all
        select m.seq, m.id, m.content, m.parts, m.tool_calls
        from messages m
        where m.org_id = @OrgId
          and m.chat_id = chat.id
          and m.seq > @Indexed
          and m.seq > @AfterSeq
        """;

    public DynamicParameters Parameters((DateTimeOffset Time, Guid Id)? after, (int Token, DateTimeOffset Start)? span = null)
    {
        var parameters = new DynamicParameters(scope.Parameters);
        parameters.AddDynamicParams(
            new { scope.OrgId, tokens.All, Tail = tail.Chats, tail.Indexed, AfterTime = after?.Time, AfterId = after?.Id });
        if (span is { } bounds)
            parameters.AddDynamicParams(new { AllInSpan = tokens.All.Append(bounds.Token).ToArray(), SpanStart = bounds.Start });
        for (var n = 0; n < Math.Min(MaxGroups, tokens.Any.Count); n++)
            parameters.Add($"Any{n}", tokens.Any[n]);
        return parameters;
    }

    public DynamicParameters Parameters(Guid[] chatIds, long afterSeq)
    {
        var parameters = Parameters(null);
        parameters.AddDynamicParams(new { ChatIds = chatIds, AfterSeq = afterSeq });
        return parameters;
    }
}
