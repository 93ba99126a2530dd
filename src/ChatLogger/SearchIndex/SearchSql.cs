using Dapper;

namespace ChatLogger.SearchIndex;

/// <summary>The statements of a search. They are composed of constant clauses only; the search terms are passed as parameters.</summary>
internal sealed class SearchSql(SearchScope scope, SearchTokens tokens, UnindexedMessages tail)
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

    private string Candidate => string.Join(
        '\n',
        Enumerable.Range(0, Math.Min(MaxGroups, tokens.Any.Count)).Select(n => $"and k.tokens && @Any{n}")
            .Prepend(tokens.All.Length == 0 ? "" : "and k.tokens @> @All"));

    private string Unindexed => tail.IsWhole
        ? "c.id = any(@Tail)"
        : "exists (select from messages m where m.org_id = @OrgId and m.chat_id = c.id and m.seq > @Indexed)";

    /// <summary>Scans the next chats, newest first, and returns whether each is a candidate.</summary>
    public string Walk(bool after, int chats) => $"""
        select c.id, c.created_at,
               exists (select from search_chunks k where k.org_id = @OrgId and k.chat_id = c.id {Candidate})
               or {Unindexed} as hit
        from (
            select c.id, c.created_at
            from chats c
            where c.org_id = @OrgId
              and c.deleted_at is null
              {scope.Clauses}
              {(after ? "and (c.created_at, c.id) < (@AfterTime, @AfterId)" : "")}
            order by c.created_at desc, c.id desc
            limit {chats}
        ) c
        order by c.created_at desc, c.id desc
        """;

    /// <summary>
    /// Finds candidates in the index, together with the chats in which an unindexed message matches, newest chat first. A chat may occur
    /// more than once.
    /// </summary>
    public string FromIndex(bool after, int rows) => $"""
        select found.id, found.created_at
        from (
            select k.chat_id as id, k.created_at
            from search_chunks k
            where k.org_id = @OrgId
              {Candidate}
              {(after ? "and (k.created_at, k.chat_id) < (@AfterTime, @AfterId)" : "")}
            union all
            select c.id, c.created_at
            from chats c
            where c.org_id = @OrgId
              and c.id = any(@Tail)
              {(after ? "and (c.created_at, c.id) < (@AfterTime, @AfterId)" : "")}
            order by created_at desc, id desc
        ) found
        join chats c on c.org_id = @OrgId and c.id = found.id
        where c.deleted_at is null
          {scope.Clauses}
        order by found.created_at desc, found.id desc
        limit {rows}
        """;

    /// <summary>Reads the messages of candidates that may match: of each chat the first ones after a sequence number.</summary>
    public string Messages => $"""
        select chat.no::integer, m.seq, m.content
        from unnest(@ChatIds) with ordinality as chat(id, no)
        cross join lateral (
            select m.seq, left(m.content, {SearchQuery.SearchedCharacters}) as content
            from (
                select m.seq, m.content
                from search_chunks k
                join messages m on m.org_id = @OrgId and m.chat_id = k.chat_id and m.seq between k.first_seq and k.last_seq
                where k.org_id = @OrgId
                  and k.chat_id = chat.id
                  and m.seq > @AfterSeq
                  {Candidate}
                {(tail.IsWhole ? "" : UnindexedOfChat)}
            ) m
            order by m.seq
            limit {BatchMessages}
        ) m
        order by chat.no, m.seq
        """;

    private const string UnindexedOfChat = """
        union all
        select m.seq, m.content
        from messages m
        where m.org_id = @OrgId
          and m.chat_id = chat.id
          and m.seq > @Indexed
          and m.seq > @AfterSeq
        """;

    public DynamicParameters Parameters((DateTimeOffset Time, Guid Id)? after)
    {
        var parameters = new DynamicParameters(scope.Parameters);
        parameters.AddDynamicParams(
            new { scope.OrgId, tokens.All, Tail = tail.Chats, tail.Indexed, AfterTime = after?.Time, AfterId = after?.Id });
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
