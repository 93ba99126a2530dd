using System.Text.Json;

namespace ChatLogger.Transcripts;

/// <summary>A message. Parts and tool calls are arrays in the shapes of the API, or undefined; so is metadata, an object.</summary>
internal sealed record ImportedMessage
{
    public required string Role { get; init; }

    public string? Content { get; init; }

    public JsonElement Parts { get; init; }

    public JsonElement ToolCalls { get; init; }

    public string? ToolCallId { get; init; }

    public string? Name { get; init; }

    public JsonElement Metadata { get; init; }

    public int? LatencyMs { get; init; }

    public int? TokenCount { get; init; }

    public int? PromptTokens { get; init; }

    public int? CompletionTokens { get; init; }

    public string? Model { get; init; }

    public DateTimeOffset? CreatedAt { get; init; }

    public ImportedFeedback? Feedback { get; init; }

    /// <summary>Whether it says anything: the service refuses a message that does not.</summary>
    public bool SaysSomething => !string.IsNullOrWhiteSpace(Content) || HasElements(Parts) || HasElements(ToolCalls);

    private static bool HasElements(JsonElement array) => array.ValueKind == JsonValueKind.Array && array.GetArrayLength() > 0;
}
