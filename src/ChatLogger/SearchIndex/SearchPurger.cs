using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.SearchIndex;

/// <summary>
/// Purges what the search index has of a deleted organization or of deleted chats: rows, and words that no other chat has.
/// </summary>
internal sealed class SearchPurger(NpgsqlDataSource db) : IOrganizationPurger
{
    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, IOrganizationPurger.BatchRows };
        return await db.ExecuteAsync(DeleteBatch.Of("search_index", "order by chat_id, first_seq"), piece, ct) > 0
            || await db.ExecuteAsync(DeleteBatch.Of("search_terms", "order by term"), piece, ct) > 0
            || await db.ExecuteAsync(DeleteBatch.Of("search_stale_tokens", "order by token"), piece, ct) > 0;
    }

    /// <summary>
    /// Removes a batch of the rows of deleted chats and returns the number of rows; <see cref="RemoveUnusedWords"/> removes the words that
    /// no other row has.
    /// </summary>
    public Task<int> Remove(Guid orgId, Guid[] chats, CancellationToken ct) => db.InTransactionAsync(
        async transaction =>
        {
            var parameters = new { OrgId = orgId, Chats = chats, IOrganizationPurger.BatchRows };
            // Most chats that come here a second time have no rows any more: the indexer is not to wait for that.
            if (!await transaction.QuerySingleOrDefaultAsync<bool>(
                "select exists (select from search_index where org_id = @OrgId and chat_id = any(@Chats))", parameters))
                return 0;
            var isThere = await FeedConsumer.ConsumerOffset.Take(transaction, orgId, SearchIndexer.Name, wait: true) is not null;
            var rows = await transaction.QueryAsync<int[]>(
                DeleteBatch.Of("search_index", "and chat_id = any(@Chats)") + " returning tokens", parameters);
            // The words of an organization that is being deleted go all together.
            if (isThere && rows.Count > 0)
                await SearchTerms.MarkStale(transaction, orgId, rows.SelectMany(tokens => tokens));
            return rows.Count;
        },
        ct);

    /// <summary>
    /// Looks up some words of removed rows, removes those that no other row has, and returns how many were looked up. The lock of the
    /// indexer's offset keeps the indexer from adding one of these words meanwhile.
    /// </summary>
    public Task<int> RemoveUnusedWords(Guid orgId, CancellationToken ct) => db.InTransactionAsync(
        async transaction => await FeedConsumer.ConsumerOffset.Take(transaction, orgId, SearchIndexer.Name, wait: true) is null
            ? 0
            : await SearchTerms.RemoveUnused(transaction, orgId),
        ct);
}
