using ChatLogger.Data;

namespace ChatLogger.SearchIndex;

/// <summary>
/// The dictionary of an organization: the words that are in its index, with their tokens, by which the words with a certain beginning are
/// found. A writer of it holds the lock of the indexer's offset, so a word is never removed while a row with it is added.
/// </summary>
internal static class SearchTerms
{
    /// <summary>The length of the longest words in the dictionary, in UTF-16 units. Longer ones share a token.</summary>
    public const int MaxLength = 64;

    /// <summary>How many words one transaction looks up: about a millisecond each in an index of ten million messages.</summary>
    private const int StaleTokens = 500;

    /// <summary>
    /// The number of times that words were removed. What an instance remembers of the dictionary is valid as long as it is the same.
    /// </summary>
    public static Task<long> Generation(Sql.Transaction transaction, Guid orgId) =>
        transaction.QuerySingleOrDefaultAsync<long>(
            "select generation from followers where org_id = @OrgId and follower = @Name", new { OrgId = orgId, SearchIndexer.Name });

    /// <summary>Adds the words that are missing.</summary>
    public static Task<int> Add(Sql.Transaction transaction, Guid orgId, IReadOnlyCollection<(string Word, int Token)> words) =>
        transaction.ExecuteAsync(
            """
            insert into search_terms (org_id, term, token)
            select @OrgId, n.term, n.token
            from unnest(@Words, @Tokens) as n(term, token)
            on conflict (org_id, term) do nothing
            """,
            new { OrgId = orgId, Words = words.Select(word => word.Word).ToArray(), Tokens = words.Select(word => word.Token).ToArray() });

    /// <summary>The tokens of the words with a beginning; null: there are more than <paramref name="most"/>.</summary>
    public static async Task<int[]?> StartingWith(Sql.Transaction snapshot, Guid orgId, string beginning, int most)
    {
        var tokens = await snapshot.QueryAsync<int>(
            """
            select token
            from search_terms
            where org_id = @OrgId
              and term >= @Beginning
              and term < @Beginning || U&'\+10FFFF'
            order by term
            limit @Rows
            """,
            new { OrgId = orgId, Beginning = beginning, Rows = most + 1 });
        return tokens.Count > most ? null : [.. tokens, Tokenizer.LongWord(Tokenizer.Seed(orgId))];
    }

    /// <summary>Records tokens of removed rows, so that <see cref="RemoveUnused"/> looks for their words in other rows.</summary>
    public static Task<int> MarkStale(Sql.Transaction transaction, Guid orgId, IEnumerable<int> tokens) =>
        transaction.ExecuteAsync(
            """
            insert into search_stale_tokens (org_id, token)
            select @OrgId, n.token
            from unnest(@Tokens) as n(token)
            on conflict (org_id, token) do nothing
            """,
            new { OrgId = orgId, Tokens = tokens.Distinct().ToArray() });

    /// <summary>
    /// Takes the next stale tokens, removes the words of those that no row of the index has any more, and returns the number of tokens.
    /// Most words that are still in use are in one of the newest rows, so the long lists of the index are not read for them.
    /// </summary>
    public static async Task<int> RemoveUnused(Sql.Transaction transaction, Guid orgId)
    {
        var stale = await transaction.QueryAsync<int>(
            "select token from search_stale_tokens where org_id = @OrgId order by token limit @StaleTokens",
            new { OrgId = orgId, StaleTokens });
        if (stale.Count == 0)
            return 0;
        var rare = await transaction.QueryAsync<int>(
            """
            select unnest(@Stale)
            except
            select unnest(k.tokens)
            from (
                select tokens
                from search_index
                where org_id = @OrgId
                order by org_id desc, chat_id desc
                limit 1000
            ) k
            """,
            new { OrgId = orgId, Stale = stale.ToArray() });
        // The planner expects to meet any word soon when it reads rows one after the other; rare words it meets after millions.
        await transaction.ExecuteAsync("set local enable_seqscan = off; set local enable_indexscan = off", new { });
        var unused = await transaction.QueryAsync<int>(
            """
            select n.token
            from unnest(@Rare) as n(token)
            left join lateral (
                select true as used
                from search_index k
                where k.org_id = @OrgId
                  and k.tokens @> array[n.token]
                limit 1
            ) k on true
            where k.used is null
            """,
            new { OrgId = orgId, Rare = rare.ToArray() });
        await transaction.ExecuteAsync("set local enable_seqscan = on; set local enable_indexscan = on", new { });
        var removed = await transaction.ExecuteAsync(
            "delete from search_terms where org_id = @OrgId and token = any(@Unused)", new { OrgId = orgId, Unused = unused.ToArray() });
        if (removed > 0)
        {
            await transaction.ExecuteAsync(
                "update followers set generation = generation + 1 where org_id = @OrgId and follower = @Name",
                new { OrgId = orgId, SearchIndexer.Name });
        }
        await transaction.ExecuteAsync(
            "delete from search_stale_tokens where org_id = @OrgId and token = any(@Stale)",
            new { OrgId = orgId, Stale = stale.ToArray() });
        return stale.Count;
    }
}
