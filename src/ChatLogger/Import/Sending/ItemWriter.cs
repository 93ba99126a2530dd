using System.Buffers;
using System.Globalization;
using System.Text.Json;
using ChatLogger.Telemetry.Logs;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// Writes the items of batches. Characters beyond ASCII and numbers go as they are, since limits count bytes as sent and no number may pass
/// through a binary format.
/// </summary>
internal static class ItemWriter
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = MinimalJsonEncoder.Instance, SkipValidation = true };

    public static byte[] Chat(ImportedConversation conversation, string? userId) => Write(json =>
    {
        json.WriteString("type", "chat");
        json.WriteString("externalId", conversation.ExternalId);
        ChatMembers(json, conversation, userId);
    });

    /// <summary>A message; with a rating, it has its key as a <c>ref</c>.</summary>
    public static byte[] Message(ImportedMessage message, string chatId, string key) => Write(json =>
    {
        json.WriteString("type", "message");
        json.WriteString("chatId", chatId);
        json.WriteString("idempotencyKey", key);
        if (message.Feedback is not null)
            json.WriteString("ref", key);
        MessageMembers(json, message);
    });

    /// <summary>A rating of the chat, or of the message with this ref.</summary>
    public static byte[] Feedback(ImportedFeedback feedback, string chatId, string? messageRef) => Write(json =>
    {
        json.WriteString("type", "feedback");
        json.WriteString("chatId", chatId);
        Text(json, "messageRef", messageRef);
        json.WriteString("rating", feedback.Rating);
        Text(json, "comment", feedback.Comment);
        Time(json, "createdAt", feedback.At);
    });

    /// <summary>The members of a chat that are the same on every route.</summary>
    public static void ChatMembers(Utf8JsonWriter json, ImportedConversation conversation, string? userId)
    {
        Text(json, "title", conversation.Title);
        if (conversation.Tags.Count > 0)
        {
            json.WriteStartArray("tags");
            foreach (var tag in conversation.Tags)
                json.WriteStringValue(tag);
            json.WriteEndArray();
        }
        Raw(json, "metadata", conversation.Metadata);
        Text(json, "userId", userId);
        Text(json, "externalUserId", conversation.ExternalUserId);
        Time(json, "createdAt", conversation.CreatedAt);
    }

    /// <summary>The members of a message that are the same on every route.</summary>
    public static void MessageMembers(Utf8JsonWriter json, ImportedMessage message)
    {
        json.WriteString("role", message.Role);
        Text(json, "content", message.Content);
        Raw(json, "parts", message.Parts);
        Raw(json, "toolCalls", message.ToolCalls);
        Text(json, "toolCallId", message.ToolCallId);
        Text(json, "name", message.Name);
        Raw(json, "metadata", message.Metadata);
        Number(json, "latencyMs", message.LatencyMs);
        Number(json, "tokenCount", message.TokenCount);
        Number(json, "promptTokens", message.PromptTokens);
        Number(json, "completionTokens", message.CompletionTokens);
        Text(json, "model", message.Model);
        Time(json, "createdAt", message.CreatedAt);
    }

    public static byte[] Write(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static void Text(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
            json.WriteString(name, value);
    }

    private static void Number(Utf8JsonWriter json, string name, int? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
    }

    private static void Time(Utf8JsonWriter json, string name, DateTimeOffset? value)
    {
        if (value is { } at)
            json.WriteString(name, at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
    }

    private static void Raw(Utf8JsonWriter json, string name, JsonElement value)
    {
        if (!value.IsGiven())
            return;
        json.WritePropertyName(name);
        json.WriteRawValue(value.GetRawText(), skipInputValidation: true);
    }
}
