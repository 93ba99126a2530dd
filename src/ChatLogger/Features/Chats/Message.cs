using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>A message in the shape that every route returns. The latency is in milliseconds.</summary>
internal sealed record Message(
    Guid Id,
    Guid ChatId,
    string Role,
    string Content,
    RawJsonObject Metadata,
    int? LatencyMs,
    int? TokenCount,
    int? PromptTokens,
    int? CompletionTokens,
    string? Model,
    DateTimeOffset CreatedAt,
    Feedback? Feedback);
