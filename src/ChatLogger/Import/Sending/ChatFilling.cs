using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// A chat that messages are added to, and which of its messages are there already. For a day the service recognizes a message that it gets
/// again by its Idempotency-Key, so everything is sent; later, and in a chat that an import did not make, the chat's messages are read, or
/// the journal is believed.
/// </summary>
internal sealed class ChatFilling
{
    // A day is 24 hours; clocks differ.
    private static readonly TimeSpan KeysLive = TimeSpan.FromHours(23);

    // Chats that the service made with a clock behind ours.
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    private readonly string _keys;
    private StoredMessages? _stored;
    private int _from;

    private ChatFilling(string externalId, string chatId)
    {
        (ExternalId, ChatId) = (externalId, chatId);
        _keys = $"import-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(externalId)))[..32]}";
    }

    public string ExternalId { get; }

    public string ChatId { get; }

    /// <summary>Whether the chat was there before this import, or was opened by an earlier run of it.</summary>
    public bool Existed { get; private init; }

    /// <summary>How many of its messages an earlier run has counted.</summary>
    public int Counted { get; private init; }

    /// <summary>Why nothing may be added to the chat; null: it may.</summary>
    public string? Problem { get; private set; }

    public static async Task<ChatFilling> Begin(
        string externalId, string chatId, bool existed, ImportClient client, ImportJournal journal, CancellationToken ct)
    {
        var known = journal.Open is { } open && open.ExternalId == externalId && open.ChatId == chatId ? open : null;
        var counted = known?.Messages ?? 0;
        var filling = new ChatFilling(externalId, chatId) { Existed = existed, Counted = counted, _from = counted };
        if (!existed)
            return filling;
        var madeAt = CreatedAt(chatId);
        var isOurs = Import.ExternalId.IsOfImport(externalId) || madeAt > journal.BeganAt - ClockSkew;
        if (isOurs && client.Now - madeAt < KeysLive)
            return filling;
        filling._stored = await StoredMessages.Of(client, chatId, ct);
        if (filling._stored is null && (known is null || client.Now - journal.LastAt > KeysLive))
            filling.Problem = "the chat exists, and whether all its messages do is not known: a key that also has the scope read can tell";
        return filling;
    }

    /// <summary>A chat that was refused, with its messages.</summary>
    public static ChatFilling Refused(string externalId, string problem) => new(externalId, "") { Problem = problem };

    public string KeyOf(int message) => string.Create(CultureInfo.InvariantCulture, $"{_keys}-{message}");

    public ValueTask<bool> IsToBeSent(ImportedMessage message, int index) =>
        _stored is not null ? _stored.IsMissing(message) : ValueTask.FromResult(index >= _from);

    /// <summary>Whether the rating of the chat is to be sent: it is with its first message.</summary>
    public bool IsAtStart => _stored?.IsEmpty ?? _from == 0;

    /// <summary>Why the chat is not what the file says, after all its messages; null: it is.</summary>
    public string? Mismatch => _stored is { HasOthers: true } ? "the chat exists with other messages, and was left as it is" : null;

    /// <summary>When the service made the id, a UUID of version 7: other than createdAt, that is when the chat was imported.</summary>
    private static DateTimeOffset CreatedAt(string id) =>
        Guid.TryParse(id, out var guid)
        && long.TryParse(guid.ToString("N")[..12], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var milliseconds)
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : DateTimeOffset.MinValue;
}
