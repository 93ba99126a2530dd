using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ChatLogger.Bench.Http;

/// <summary>
/// The bodies that are sent. Whatever is not ASCII goes as it is, since limits count bytes as sent; metadata goes in the spelling of the
/// file, so that no number passes through a binary format on its way.
/// </summary>
internal static class Body
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Of(Conversation conversation) => Write(json => Members(json, conversation));

    public static byte[] Of(Message message) => Write(json => Members(json, message));

    /// <summary>The chat as an item of a batch, in which its messages find it by a ref.</summary>
    public static byte[] Item(Conversation conversation, string reference, string key) => Write(json =>
    {
        json.WriteString("type", "chat");
        json.WriteString("ref", reference);
        json.WriteString("idempotencyKey", key);
        Members(json, conversation);
    });

    /// <summary>The message as an item of a batch; its chat is <c>chatId</c> or <c>chatRef</c>.</summary>
    public static byte[] Item(Message message, string belongs, string to, string key) => Write(json =>
    {
        json.WriteString("type", "message");
        json.WriteString(belongs, to);
        json.WriteString("idempotencyKey", key);
        Members(json, message);
    });

    private static void Members(Utf8JsonWriter json, Conversation conversation)
    {
        if (conversation.Title is { } title)
            json.WriteString("title", title);
        if (conversation.Tags.Count > 0)
        {
            json.WriteStartArray("tags");
            foreach (var tag in conversation.Tags)
                json.WriteStringValue(tag);
            json.WriteEndArray();
        }
        json.WriteStartObject("metadata");
        json.WriteString("conversationId", conversation.Id);
        if (conversation.Vertical is { } vertical)
            json.WriteString("vertical", vertical);
        if (conversation.Scenario is { } scenario)
            json.WriteString("scenario", scenario);
        json.WriteEndObject();
    }

    private static void Members(Utf8JsonWriter json, Message message)
    {
        json.WriteString("role", message.Role);
        json.WriteString("content", message.Content);
        if (message.Metadata.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null))
        {
            json.WritePropertyName("metadata");
            json.WriteRawValue(message.Metadata.GetRawText(), skipInputValidation: true);
        }
    }

    private static byte[] Write(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
