using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace ChatLogger.Client;

internal sealed record ChatItem(
    string Ref,
    string ExternalId,
    string? Title,
    IReadOnlyList<string>? Tags,
    JsonObject? Metadata,
    string? ExternalUserId,
    Guid? UserId)
{
    public string Type { get; } = "chat";

    public static ChatItem Of(ChatLoggerChat chat) => new(
        chat.Ref,
        chat.ExternalId,
        chat.Fields?.Title,
        chat.Fields?.Tags,
        chat.Fields?.Metadata,
        chat.Fields?.ExternalUserId,
        chat.Fields?.UserId);
}

internal sealed record MessageItem(
    Guid? ChatId,
    string? ChatRef,
    string Ref,
    string IdempotencyKey,
    DateTimeOffset CreatedAt,
    string Role,
    string? Content,
    IReadOnlyList<JsonObject>? Parts,
    IReadOnlyList<ChatLoggerToolCall>? ToolCalls,
    string? ToolCallId,
    string? Name,
    JsonObject? Metadata,
    int? LatencyMs,
    int? TokenCount,
    int? PromptTokens,
    int? CompletionTokens,
    string? Model)
{
    public string Type { get; } = "message";

    public static MessageItem Of(ChatLoggerLoggedMessage logged, ChatLoggerMessage message, EmbeddedFiles files, DateTimeOffset now) => new(
        logged.Chat.Id,
        logged.Chat.Id is null ? logged.Chat.Ref : null,
        logged.Key,
        logged.Key,
        message.CreatedAt ?? now,
        message.Role,
        // The service refuses NUL; the writer of JSON replaces what is not well-formed.
        files.InText(message.Content)?.Replace('\0', '\ufffd'),
        message.Parts is null ? null : [.. message.Parts.Select(files.InPart)],
        message.ToolCalls,
        message.ToolCallId,
        message.Name,
        message.Metadata,
        message.Latency is { } latency ? (int)Math.Clamp(latency.TotalMilliseconds, 0, 86_400_000) : null,
        message.TokenCount,
        message.PromptTokens,
        message.CompletionTokens,
        message.Model);
}

internal sealed record FeedbackItem(string Rating, string? Comment, DateTimeOffset? CreatedAt)
{
    public string Type { get; } = "feedback";

    public Guid? ChatId { get; init; }

    public string? ChatRef { get; init; }

    public Guid? MessageId { get; init; }

    public string? MessageRef { get; init; }
}

internal sealed record BatchResponse(IReadOnlyList<BatchResult>? Results, string? Detail);

internal sealed record BatchResult(int Status, Guid? Id, BatchProblem? Problem);

internal sealed record BatchProblem(string? Detail, JsonObject? Errors);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChatItem))]
[JsonSerializable(typeof(MessageItem))]
[JsonSerializable(typeof(FeedbackItem))]
[JsonSerializable(typeof(BatchResponse))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class ItemsJson : JsonSerializerContext;
