using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// The service's own exports <c>json</c> and <c>jsonl</c>. Nothing is cut, replaced or left out: what is in them was accepted before.
/// </summary>
internal sealed class OwnFormat(string name) : JsonImportFormat
{
    public override string Name => name;

    // A chat is the same in both exports.
    protected override string IdPrefix => "chatlogger";

    protected override IEnumerable<ImportedConversation> Conversations(JsonElement json, JsonSource source)
    {
        if (json.Get("messages", JsonValueKind.Array) is not { ValueKind: JsonValueKind.Array } messages)
            throw new FormatException("messages is not an array");
        var id = json.Text("id");
        return
        [
            new()
            {
                Id = id,
                ExternalId = json.Text("externalId") is { Length: > 0 } own ? own : source.ExternalId(id),
                Title = json.Text("title"),
                Tags = [.. json.Elements("tags").Select(tag => tag.GetString() ?? "")],
                Metadata = json.Get("metadata"),
                UserId = json.Text("userId"),
                ExternalUserId = json.Text("externalUserId"),
                CreatedAt = json.Time("createdAt"),
                Feedback = FeedbackOf(json),
                Messages = [.. messages.EnumerateArray().Select(MessageOf)],
            },
        ];
    }

    private static ImportedMessage MessageOf(JsonElement json, int index) => new()
    {
        Role = json.Text("role") ?? throw new FormatException($"messages[{index}].role is missing"),
        Content = json.Text("content"),
        Parts = json.Get("parts"),
        ToolCalls = json.Get("toolCalls"),
        ToolCallId = json.Text("toolCallId"),
        Name = json.Text("name"),
        Metadata = json.Get("metadata"),
        LatencyMs = json.Count("latencyMs"),
        TokenCount = json.Count("tokenCount"),
        PromptTokens = json.Count("promptTokens"),
        CompletionTokens = json.Count("completionTokens"),
        Model = json.Text("model"),
        CreatedAt = json.Time("createdAt"),
        Feedback = FeedbackOf(json),
    };

    private static ImportedFeedback? FeedbackOf(JsonElement json) =>
        json.Get("feedback") is { ValueKind: JsonValueKind.Object } feedback && feedback.Text("rating") is { } rating
            ? new(rating, feedback.Text("comment"), feedback.Time("at"))
            : null;
}
