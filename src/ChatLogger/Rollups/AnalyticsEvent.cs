namespace ChatLogger.Rollups;

internal enum AnalyticsEventKind
{
    Chat = 0,
    Message = 1,
    Feedback = 2,
}

/// <summary>
/// One chat, message or rating to be counted. At is in milliseconds since 1970. A rating that was replaced counts -1.
/// </summary>
internal readonly record struct AnalyticsEvent(
    AnalyticsEventKind Kind,
    Guid ChatId,
    long At,
    Guid? UserId,
    string? ExternalUserId,
    string[] Tags,
    string? Model,
    int Role,
    int? LatencyMs,
    long Tokens,
    long PromptTokens,
    long CompletionTokens,
    int Up,
    int Down)
{
    /// <summary>Whether it is a message of an assistant.</summary>
    public bool IsAssistant => Kind == AnalyticsEventKind.Message && BucketCounts.RoleNames[Role] == "assistant";
}
