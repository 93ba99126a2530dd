using System.Text.Json.Nodes;

namespace ChatLogger.Client;

/// <summary>
/// A message to log. It says something by <see cref="Content"/>, <see cref="Parts"/> or <see cref="ToolCalls"/>: at least one of them,
/// together at most 262,144 bytes of UTF-8 by default.
/// </summary>
/// <param name="Role"><c>user</c>, <c>assistant</c>, <c>system</c>, <c>developer</c>, <c>tool</c> or <c>function</c>.</param>
/// <param name="Content">The text.</param>
public sealed record ChatLoggerMessage(string Role, string? Content = null)
{
    /// <summary>What is more than text: objects with a <c>type</c> of at most 64 characters; at most 100.</summary>
    public IReadOnlyList<JsonObject>? Parts { get; init; }

    /// <summary>The calls of tools by the assistant; at most 128.</summary>
    public IReadOnlyList<ChatLoggerToolCall>? ToolCalls { get; init; }

    /// <summary>Of the role <c>tool</c>: the id of the call that it answers, at most 200 characters.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>The name of the tool or participant, at most 128 characters.</summary>
    public string? Name { get; init; }

    /// <summary>At most 16 KiB of JSON.</summary>
    public JsonObject? Metadata { get; init; }

    /// <summary>How long the answer took, at most a day; whole milliseconds are kept.</summary>
    public TimeSpan? Latency { get; init; }

    /// <summary>All tokens, at most 10,000,000.</summary>
    public int? TokenCount { get; init; }

    /// <summary>Tokens of the question, at most 10,000,000.</summary>
    public int? PromptTokens { get; init; }

    /// <summary>Tokens of the answer, at most 10,000,000.</summary>
    public int? CompletionTokens { get; init; }

    /// <summary>The model, at most 100 characters.</summary>
    public string? Model { get; init; }

    /// <summary>When it was said; null: now. At most 72 hours back: an older message gets the time of its arrival.</summary>
    public DateTimeOffset? CreatedAt { get; init; }
}

/// <summary>The call of a tool by the assistant.</summary>
/// <param name="Id">The id of the call.</param>
/// <param name="Name">The name of the tool, at most 128 characters.</param>
/// <param name="Arguments">An object, or the text that the model wrote.</param>
public sealed record ChatLoggerToolCall(string Id, string Name, JsonNode Arguments);

/// <summary>What is known of a chat when its first message is sent. Ignored where the chat exists.</summary>
public sealed record ChatLoggerChatFields
{
    /// <summary>At most 200 characters.</summary>
    public string? Title { get; init; }

    /// <summary>At most 20, each of at most 64 characters.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>At most 16 KiB of JSON.</summary>
    public JsonObject? Metadata { get; init; }

    /// <summary>The caller's own name for the person who chats, at most 128 characters.</summary>
    public string? ExternalUserId { get; init; }

    /// <summary>The id of a member of the organization to whom the chat is attributed.</summary>
    public Guid? UserId { get; init; }
}

/// <summary>How a chat or a message was rated.</summary>
public enum ChatLoggerRating
{
    /// <summary>It was good.</summary>
    Up,

    /// <summary>It was not.</summary>
    Down,
}
