using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.SearchIndex;

/// <summary>
/// Restricts which chats are searched, in addition to those that are not deleted: constant clauses on <c>chats c</c>, and their parameters.
/// </summary>
internal sealed record SearchScope(Guid OrgId, string Clauses, object Parameters);

/// <summary>The first matching document of a chat: the message, or null if it is the chat's own texts, and a snippet.</summary>
internal sealed record Match(Guid? MessageId, string Snippet);

/// <summary>A chat with a matching document.</summary>
internal sealed record FoundChat(Guid Id, DateTimeOffset CreatedAt, Match Match);

/// <summary>
/// A page of chats, newest first, and the position of the next page; null: there are no more. A page may be short although more follow,
/// because the work of one page is bounded.
/// </summary>
internal sealed record FoundPage(IReadOnlyList<FoundChat> Chats, (DateTimeOffset Time, Guid Id)? Next);

/// <summary>Finds the chats with a matching message, title, tag or end user, whether or not it is indexed yet.</summary>
internal sealed class ChatSearch(NpgsqlDataSource db, SearchSettings settings)
{
    /// <summary>The next page after a keyset position, newest chats first.</summary>
    public async Task<FoundPage> Page(
        SearchScope scope,
        SearchQuery query,
        (DateTimeOffset Time, Guid Id)? after,
        int limit,
        CancellationToken ct) =>
        query.IsEmpty
            ? new([], null)
            : await db.InSnapshotAsync(
                async snapshot => await (await Search.Begin(snapshot, scope, query, settings)).Page(after, limit),
                ct);

    /// <summary>All matching chats in the snapshot of the caller, in no particular order.</summary>
    public async Task<IReadOnlyList<Guid>> All(Sql.Transaction snapshot, SearchScope scope, SearchQuery query)
    {
        var chats = new List<Guid>();
        if (query.IsEmpty)
            return chats;
        var search = await Search.Begin(snapshot, scope, query, settings);
        var place = default((DateTimeOffset Time, Guid Id)?);
        do
        {
            var page = await search.Page(place, Http.Page.MaxLimit * 10);
            chats.AddRange(page.Chats.Select(chat => chat.Id));
            place = page.Next;
        }
        while (place is not null);
        return chats;
    }
}
