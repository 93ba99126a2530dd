using System.Diagnostics;
using ChatLogger.Data;
using Dapper;

namespace ChatLogger.SearchIndex;

/// <summary>Verifies candidate chats against their messages, in order, until enough matches are found.</summary>
internal sealed class MatchVerifier(
    Sql.Transaction snapshot,
    SearchSql sql,
    SearchQuery query,
    SearchSettings settings,
    UnindexedMessages tail,
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
        var (snippets, counts, last) = await Read([.. chats.Select(chat => chat.Id)], -1);
        for (var n = 0; n < chats.Length && !IsFull; n++)
        {
            // A full batch without a match: the chat has more messages to verify.
            while (snippets[n] is null && counts[n] == SearchSql.BatchMessages)
            {
                var more = await Read([chats[n].Id], last[n]);
                (snippets[n], counts[n], last[n]) = (more.Snippets[0], more.Counts[0], more.Last[0]);
            }
            // Unindexed messages are newer than indexed ones, so they supply the snippet only if no indexed message matches.
            if ((snippets[n] ?? tail.Snippet(chats[n].Id)) is { } snippet)
                found.Add(new(chats[n].Id, chats[n].Time, snippet));
        }
    }

    private async Task<(string?[] Snippets, int[] Counts, long[] Last)> Read(Guid[] chatIds, long afterSeq)
    {
        var (snippets, counts, last) = (new string?[chatIds.Length], new int[chatIds.Length], new long[chatIds.Length]);
        await using var reader = await snapshot.Connection.ExecuteReaderAsync(new CommandDefinition(
            sql.Messages, sql.Parameters(chatIds, afterSeq), snapshot.Inner, cancellationToken: snapshot.Ct));
        while (await reader.ReadAsync(snapshot.Ct))
        {
            var n = reader.GetInt32(0) - 1;
            counts[n]++;
            last[n] = reader.GetInt64(1);
            _messages++;
            snippets[n] ??= query.Snippet(reader.GetString(2));
        }
        return (snippets, counts, last);
    }
}
