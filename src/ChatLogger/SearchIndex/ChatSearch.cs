using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.SearchIndex;

/// <summary>Which chats are searched, beside those that are not deleted: further clauses on <c>chats c</c>, constant text, and their parameters.</summary>
internal sealed record SearchScope(Guid OrgId, string Clauses, object Parameters);

/// <summary>A chat in which a message matches, and a part of the first one that does.</summary>
internal sealed record FoundChat(Guid Id, DateTimeOffset CreatedAt, string Snippet);

/// <summary>
/// Some chats, newest first, and where to go on; null: that was all. There may be fewer than were asked for and more to come: how much one page looks
/// at is bounded.
/// </summary>
internal sealed record FoundPage(IReadOnlyList<FoundChat> Chats, (DateTimeOffset Time, Guid Id)? Next);

/// <summary>Finds the chats in which a message matches, indexed or not yet.</summary>
internal sealed class ChatSearch(NpgsqlDataSource db, SearchSettings settings)
{
    /// <summary>The next page, from behind a position of the order by creation, newest first.</summary>
    public async Task<FoundPage> Page(SearchScope scope, SearchQuery query, (DateTimeOffset Time, Guid Id)? after, int limit, CancellationToken ct) =>
        query.IsEmpty
            ? new([], null)
            : await db.InSnapshotAsync(async snapshot => await (await Search.Begin(snapshot, scope, query, settings)).Page(after, limit), ct);

    /// <summary>All of them, in one snapshot that is the caller's; in no order.</summary>
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
