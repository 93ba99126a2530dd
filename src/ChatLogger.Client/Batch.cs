using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ChatLogger.Client;

/// <summary>The body of a batch, and to which entry, or chat, each of its items belongs.</summary>
internal sealed class Batch
{
    private readonly List<(Entry? Entry, ChatLoggerChat Chat)> _owners = [];

    public Batch(IReadOnlyList<Entry> entries)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var chats = new HashSet<ChatLoggerChat>();
        Append(buffer, "{\"items\":["u8);
        foreach (var entry in entries)
        {
            if ((entry.Json is null ? entry.Chat.Id is null : entry.NamesRef) && chats.Add(entry.Chat))
                Add(buffer, null, entry.Chat, JsonSerializer.SerializeToUtf8Bytes(ChatItem.Of(entry.Chat), ItemsJson.Default.ChatItem));
            Add(buffer, entry, entry.Chat, entry.Json ?? Of(entry, chats.Contains(entry.Chat)));
        }
        Append(buffer, "]}"u8);
        Body = buffer.WrittenSpan.ToArray();
    }

    public byte[] Body { get; }

    public IReadOnlyList<(Entry? Entry, ChatLoggerChat Chat)> Owners => _owners;

    public static string JsonOf(FeedbackItem feedback) => JsonSerializer.Serialize(feedback, ItemsJson.Default.FeedbackItem);

    /// <summary>Without its time, which is too old, or ahead because the clock is wrong, it gets that of its arrival.</summary>
    public static void RemoveTime(Entry entry)
    {
        entry.IsWithoutTime = true;
        if (entry.Json is null)
            return;
        var item = JsonNode.Parse(entry.Json)!.AsObject();
        item.Remove("createdAt");
        entry.Json = Encoding.UTF8.GetBytes(item.ToJsonString());
    }

    private static byte[] Of(Entry entry, bool isChatInBatch)
    {
        var feedback = entry.Feedback! with
        {
            ChatId = isChatInBatch ? null : entry.Chat.Id,
            ChatRef = isChatInBatch ? entry.Chat.Ref : null,
            MessageId = entry.Message?.Id,
            MessageRef = entry.Message is { Id: null } message ? message.Key : null,
            CreatedAt = entry.IsWithoutTime ? null : entry.Feedback.CreatedAt,
        };
        return JsonSerializer.SerializeToUtf8Bytes(feedback, ItemsJson.Default.FeedbackItem);
    }

    private void Add(ArrayBufferWriter<byte> buffer, Entry? entry, ChatLoggerChat chat, byte[] json)
    {
        if (_owners.Count > 0)
            Append(buffer, ","u8);
        Append(buffer, json);
        _owners.Add((entry, chat));
    }

    private static void Append(ArrayBufferWriter<byte> buffer, ReadOnlySpan<byte> bytes) => buffer.Write(bytes);
}
