using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>A message, as every route that returns messages shows it. The latency is in milliseconds.</summary>
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
