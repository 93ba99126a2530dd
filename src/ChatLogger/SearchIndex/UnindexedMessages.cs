using ChatLogger.Data;
using Dapper;

namespace ChatLogger.SearchIndex;

/// <summary>
/// The messages of an organization that are not indexed yet, matched against the query. If there are too many of them, it is not whole and
/// has no matches.
/// </summary>
internal sealed class UnindexedMessages
{
    private const long MaxBytes = 16 * 1_048_576;

    private readonly Dictionary<Guid, string> _snippets = [];

    private UnindexedMessages(long indexed) => Indexed = indexed;

    /// <summary>The offset of the indexer; -1: nothing is indexed.</summary>
    public long Indexed { get; }

    public bool IsWhole { get; private set; } = true;

    /// <summary>The chats with a matching unindexed message; empty unless it is whole.</summary>
    public Guid[] Chats => [.. _snippets.Keys];

    /// <summary>The snippet of the first unindexed message of the chat that matches.</summary>
    public string? Snippet(Guid chatId) => _snippets.GetValueOrDefault(chatId);

    public static async Task<UnindexedMessages> Read(Sql.Transaction snapshot, Guid orgId, SearchQuery query, int most)
    {
        var tail = new UnindexedMessages(await snapshot.QuerySingleOrDefaultAsync<long?>(
            "select seq from followers where org_id = @OrgId and follower = @Name", new { OrgId = orgId, SearchIndexer.Name }) ?? -1);
        // The database knows the lengths without reading the texts. So the query returns texts only until their total length exceeds the
        // limit.
        await using var reader = await snapshot.Connection.ExecuteReaderAsync(new CommandDefinition(
            """
            select chat_id, left(content, @SearchedCharacters), before
            from (
                select seq, chat_id, content,
                       sum(octet_length(content)) over (order by seq rows between unbounded preceding and 1 preceding) as before
                from (
                    select seq, chat_id, content
                    from messages
                    where org_id = @OrgId
                      and seq > @Indexed
                    order by seq
                    limit @Rows
                ) tail
            ) tail
            where before is null
               or before <= @MaxBytes
            order by seq
            """,
            new { OrgId = orgId, tail.Indexed, SearchQuery.SearchedCharacters, Rows = most + 1, MaxBytes },
            snapshot.Inner,
            cancellationToken: snapshot.Ct));
        var rows = 0;
        while (tail.IsWhole && await reader.ReadAsync(snapshot.Ct))
        {
            var text = reader.GetString(1);
            tail.IsWhole = ++rows <= most && (reader.IsDBNull(2) || reader.GetInt64(2) + text.Length <= MaxBytes);
            if (!tail._snippets.ContainsKey(reader.GetGuid(0)) && query.Snippet(text) is { } snippet)
                tail._snippets.Add(reader.GetGuid(0), snippet);
        }
        if (!tail.IsWhole)
            tail._snippets.Clear();
        return tail;
    }
}
