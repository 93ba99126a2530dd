using System.Diagnostics;
using ChatLogger.Data;
using Dapper;

namespace ChatLogger.SearchIndex;

/// <summary>Verifies candidate chats against their texts and messages, in order, until enough matches are found.</summary>
internal sealed class MatchVerifier(
    Sql.Transaction snapshot,
    SearchSql sql,
    SearchQuery query,
    SearchSettings settings,
    UnindexedDocuments tail,
    List<FoundChat> found,
    int wanted)
{
    private const int BatchChats = 64;

    private readonly long _since = Stopwatch.GetTimestamp();
    private int _messages;

    public List<FoundChat> Found => found;

    public int Wanted => wanted;

    public bool IsFull => found.Count >= wanted;

    /// <summary>Whether the page has reached its limit of messages or of time.</summary>
    public bool IsSpent => _messages >= settings.MaxComparedMessages || Stopwatch.GetElapsedTime(_since) >= settings.PageTimeout;

    /// <summary>
    /// Verifies candidates. Null: all are verified, or enough matches are found. Otherwise the limits are reached, and the result is the
    /// last candidate that is verified.
    /// </summary>
    public async Task<(DateTimeOffset Time, Guid Id)?> Run(IReadOnlyList<(DateTimeOffset Time, Guid Id)> candidates)
    {
        for (var at = 0; at < candidates.Count && !IsFull; at += BatchChats)
        {
            if (at > 0 && IsSpent)
                return candidates[at - 1];
            var chats = candidates.Skip(at).Take(Math.Min(BatchChats, Math.Max(8, wanted - found.Count))).ToArray();
            await Compare(chats);
            at += chats.Length - BatchChats;
        }
        return null;
    }

    private async Task Compare((DateTimeOffset Time, Guid Id)[] chats)
    {
        var read = await Read([.. chats.Select(chat => chat.Id)], -1);
        for (var n = 0; n < chats.Length && !IsFull; n++)
        {
            var chat = read[n];
            // A full batch without a match: the chat has more messages to verify.
            while (chat.Message is null && chat.Count == SearchSql.BatchMessages)
                chat = (await Read([chats[n].Id], chat.Last))[0] with { Own = chat.Own };
            // Unindexed messages are newer than indexed ones, so they supply the match only if no indexed message does. The chat's own
            // texts come last, because a message says more about where the words are.
            if ((chat.Message ?? tail.Message(chats[n].Id) ?? chat.Own ?? tail.Own(chats[n].Id)) is { } match)
                found.Add(new(chats[n].Id, chats[n].Time, match));
        }
    }

    private async Task<Verified[]> Read(Guid[] chatIds, long afterSeq)
    {
        var chats = new Verified[chatIds.Length];
        await using var reader = await snapshot.Connection.ExecuteReaderAsync(new CommandDefinition(
            sql.Documents, sql.Parameters(chatIds, afterSeq), snapshot.Inner, cancellationToken: snapshot.Ct));
        while (await reader.ReadAsync(snapshot.Ct))
        {
            ref var chat = ref chats[reader.GetInt32(0) - 1];
            _messages++;
            if (reader.IsDBNull(2))
            {
                chat.Own = query.Match(null, DocumentReader.OfChat(reader, 6));
                continue;
            }
            (chat.Count, chat.Last) = (chat.Count + 1, reader.GetInt64(1));
            chat.Message ??= query.Match(reader.GetGuid(2), DocumentReader.OfMessage(reader, 3));
        }
        return chats;
    }

    private record struct Verified(int Count, long Last, Match? Message, Match? Own);
}
