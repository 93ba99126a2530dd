using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// Walks through the messages that a chat has, beside those of the file, to find the ones that are missing at its end. Messages before
/// those were refused when it was filled: sent now, they would stand in the wrong place.
/// </summary>
internal sealed partial class StoredMessages
{
    private readonly IAsyncEnumerator<JsonElement> _stored;
    private bool _isAtEnd;

    private StoredMessages(IAsyncEnumerator<JsonElement> stored) => _stored = stored;

    /// <summary>Whether the chat had no messages when this began.</summary>
    public bool IsEmpty { get; private set; }

    /// <summary>Whether the chat has messages that the file does not have: then it is not ours to fill.</summary>
    public bool HasOthers => !_isAtEnd;

    /// <summary>Begins to read; null: the key may not read.</summary>
    public static async Task<StoredMessages?> Of(ImportClient client, string chatId, CancellationToken ct)
    {
        if (await client.Get(Path(chatId, null), ct) is not { } first)
            return null;
        var stored = new StoredMessages(Pages(client, chatId, first, ct).GetAsyncEnumerator(ct));
        await stored.Next();
        stored.IsEmpty = stored._isAtEnd;
        return stored;
    }

    /// <summary>Whether the message is to be sent: the chat has ended before it.</summary>
    public async ValueTask<bool> IsMissing(ImportedMessage message)
    {
        if (_isAtEnd)
            return true;
        if (IsSame(message, _stored.Current))
            await Next();
        return false;
    }

    private async Task Next() => _isAtEnd = !await _stored.MoveNextAsync();

    private static bool IsSame(ImportedMessage message, JsonElement stored) =>
        message.Role == stored.Text("role")
        && Says(stored.Text("content") ?? "", message.Content ?? "")
        && (message.ToolCallId ?? "") == (stored.Text("toolCallId") ?? "")
        && (message.CreatedAt is not { } at || at.ToUnixTimeMilliseconds() == stored.Time("createdAt")?.ToUnixTimeMilliseconds());

    // What the organization has redacted stands there as a name in brackets; it may have said anything.
    private static bool Says(string stored, string said)
    {
        if (stored == said)
            return true;
        if (!stored.Contains('['))
            return false;
        var pieces = Placeholder().Split(stored);
        if (!said.StartsWith(pieces[0], StringComparison.Ordinal))
            return false;
        var at = pieces[0].Length;
        foreach (var piece in pieces[1..^1])
        {
            var found = said.IndexOf(piece, at, StringComparison.Ordinal);
            if (found < 0)
                return false;
            at = found + piece.Length;
        }
        return said.Length - at >= pieces[^1].Length && said.EndsWith(pieces[^1], StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\[[A-Za-z][A-Za-z0-9_-]{0,39}\]", RegexOptions.CultureInvariant)]
    private static partial Regex Placeholder();

    private static async IAsyncEnumerable<JsonElement> Pages(
        ImportClient client, string chatId, JsonElement page, [EnumeratorCancellation] CancellationToken ct)
    {
        while (true)
        {
            foreach (var message in page.Elements("items"))
                yield return message;
            if (page.Text("nextCursor") is not { } cursor)
                yield break;
            page = await client.Get(Path(chatId, cursor), ct)
                ?? throw new ImportStoppedException("The key may not read any more.");
        }
    }

    private static string Path(string chatId, string? cursor) =>
        $"chats/{chatId}/messages?limit=200{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}";
}
