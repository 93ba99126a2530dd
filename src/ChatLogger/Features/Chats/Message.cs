using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>
/// A message, as every route that returns messages shows it. It has a content, parts or tool calls. The latency is in milliseconds.
/// </summary>
internal sealed record Message(
    Guid Id,
    Guid ChatId,
    string Role,
    string? Content,
    RawJsonArray? Parts,
    RawJsonArray? ToolCalls,
    string? ToolCallId,
    string? Name,
    RawJsonObject Metadata,
    int? LatencyMs,
    int? TokenCount,
    int? PromptTokens,
    int? CompletionTokens,
    string? Model,
    DateTimeOffset CreatedAt,
    Feedback? Feedback);
