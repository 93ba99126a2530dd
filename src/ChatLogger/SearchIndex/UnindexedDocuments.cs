using ChatLogger.Data;
using Dapper;

namespace ChatLogger.SearchIndex;

/// <summary>
/// The messages of an organization that are not indexed yet, and the texts of chats that are new or have changed since, matched against the
/// query. If there are too many of them, it is not whole and has no matches.
/// </summary>
internal sealed class UnindexedDocuments
{
    private const long MaxBytes = 16 * 1_048_576;

    private readonly Dictionary<Guid, Match> _messages = [];
    private readonly Dictionary<Guid, Match> _chats = [];

    private UnindexedDocuments(long indexed) => Indexed = indexed;

    /// <summary>The offset of the indexer; -1: nothing is indexed.</summary>
    public long Indexed { get; }

    public bool IsWhole { get; private set; } = true;

    /// <summary>The chats with a matching unindexed document; empty unless it is whole.</summary>
    public Guid[] Chats => [.. _messages.Keys.Union(_chats.Keys)];

    /// <summary>The first unindexed message of the chat that matches.</summary>
    public Match? Message(Guid chatId) => _messages.GetValueOrDefault(chatId);

    /// <summary>The match of the chat's own texts, if they are unindexed.</summary>
    public Match? Own(Guid chatId) => _chats.GetValueOrDefault(chatId);

    public static async Task<UnindexedDocuments> Read(Sql.Transaction snapshot, Guid orgId, SearchQuery query, int most)
    {
        var tail = new UnindexedDocuments(await snapshot.QuerySingleOrDefaultAsync<long?>(
            "select seq from followers where org_id = @OrgId and follower = @Name", new { OrgId = orgId, SearchIndexer.Name }) ?? -1);
        var range = new { OrgId = orgId, tail.Indexed, Rows = most + 1, MaxBytes };
        await tail.ReadMessages(snapshot, range, query, most);
        if (tail.IsWhole)
            await tail.ReadChats(snapshot, range, query, most);
        if (!tail.IsWhole)
        {
            tail._messages.Clear();
            tail._chats.Clear();
        }
        return tail;
    }

    // The database knows the lengths without reading the texts. So the query returns texts only until their total length exceeds the limit.
    private async Task ReadMessages(Sql.Transaction snapshot, object range, SearchQuery query, int most)
    {
        await using var reader = await snapshot.Connection.ExecuteReaderAsync(new CommandDefinition(
            $"""
            select m.chat_id, m.before, m.id, {DocumentReader.MessageColumns}
            from (
                select m.seq, m.chat_id, m.id, m.content, m.parts, m.tool_calls,
                       sum(octet_length(m.content)
                           + coalesce(octet_length(m.parts::text), 0)
                           + coalesce(octet_length(m.tool_calls::text), 0))
                           over (order by m.seq rows between unbounded preceding and 1 preceding) as before
                from (
                    select m.seq, m.chat_id, m.id, m.content, m.parts, m.tool_calls
                    from messages m
                    where m.org_id = @OrgId
                      and m.seq > @Indexed
                    order by m.seq
                    limit @Rows
                ) m
            ) m
            where m.before is null
               or m.before <= @MaxBytes
            order by m.seq
            """,
            range,
            snapshot.Inner,
            cancellationToken: snapshot.Ct));
        var rows = 0;
        while (IsWhole && await reader.ReadAsync(snapshot.Ct))
        {
            var (chatId, text) = (reader.GetGuid(0), DocumentReader.OfMessage(reader, 3));
            IsWhole = ++rows <= most && (reader.IsDBNull(1) || reader.GetInt64(1) + text.Length <= MaxBytes);
            if (!_messages.ContainsKey(chatId) && query.Match(reader.GetGuid(2), text) is { } match)
                _messages.Add(chatId, match);
        }
    }

    private async Task ReadChats(Sql.Transaction snapshot, object range, SearchQuery query, int most)
    {
        await using var reader = await snapshot.Connection.ExecuteReaderAsync(new CommandDefinition(
            $"""
            select c.id, {DocumentReader.ChatColumns}
            from chats c
            where c.org_id = @OrgId
              and c.seq > @Indexed
            union all
            select c.id, {DocumentReader.ChatColumns}
            from chats c
            where c.org_id = @OrgId
              and c.text_seq > @Indexed
              and c.seq <= @Indexed
            limit @Rows
            """,
            range,
            snapshot.Inner,
            cancellationToken: snapshot.Ct));
        var (rows, size) = (0, 0L);
        while (IsWhole && await reader.ReadAsync(snapshot.Ct))
        {
            var text = DocumentReader.OfChat(reader, 1);
            size += text.Length;
            IsWhole = ++rows <= most && size <= MaxBytes;
            if (query.Match(null, text) is { } match)
                _chats[reader.GetGuid(0)] = match;
        }
    }
}
