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

    /// <summary>
    /// Removes the words of tokens that no row of the index has any more. Most words that are still in use are in one of the newest rows,
    /// so the long lists of the index are not read for them.
    /// </summary>
    public static async Task RemoveUnused(Sql.Transaction transaction, Guid orgId, IEnumerable<int> tokens)
    {
        var removed = await transaction.ExecuteAsync(
            """
            with recent as materialized (
                select distinct unnest(k.tokens) as token
                from (
                    select tokens
                    from search_index
                    where org_id = @OrgId
                    order by org_id desc, chat_id desc
                    limit 200
                ) k
            ), suspect as materialized (
                select t.term, t.token
                from search_terms t
                where t.org_id = @OrgId
                  and t.token = any(@Tokens)
                  and not exists (select from recent where recent.token = t.token)
            ), unused as materialized (
                select s.term
                from suspect s
                left join lateral (
                    select true as used
                    from search_index k
                    where k.org_id = @OrgId
                      and k.tokens @> array[s.token]
                    limit 1
                ) k on true
                where k.used is null
            )
            delete from search_terms
            using unused
            where search_terms.org_id = @OrgId
              and search_terms.term = unused.term
            """,
            new { OrgId = orgId, Tokens = tokens.ToArray() });
        if (removed > 0)
        {
            await transaction.ExecuteAsync(
                "update followers set generation = generation + 1 where org_id = @OrgId and follower = @Name",
                new { OrgId = orgId, SearchIndexer.Name });
        }
    }
}
