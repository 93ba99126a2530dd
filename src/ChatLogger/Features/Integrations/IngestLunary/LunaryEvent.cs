using System.Text.Json;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>
/// An event: a message of a thread, the start or end of a call of a model, feedback, or another one, which is dropped. Of a run within a
/// message of a thread only the thread is kept.
/// </summary>
internal sealed record LunaryEvent(string RunId, JsonElement Json, ProblemException? Refusal)
{
    public const string Runs = "lunary-run";
    public const string Messages = "lunary-message";

    /// <summary>Runs, of whatever kind, that are within a message of a thread.</summary>
    public const string RunsOfMessages = "lunary-run-of-message";

    /// <summary>Whether it is a message of a thread.</summary>
    public bool IsMessage => Refusal is null && Json.Text("event") == "chat" && Json.Get("message").ValueKind == JsonValueKind.Object;

    /// <summary>Whether it tells of a call of a model.</summary>
    public bool IsCall => Refusal is null && Json.Text("type") == "llm" && Json.Text("event") is "start" or "end" or "error";

    /// <summary>Whether it tells of a run: of a call of a model, or of a chain, an agent or a tool.</summary>
    public bool IsRun => IsCall || (Refusal is null && !IsMessage && Json.Text("event") == "start");

    public string? Parent => Json.Text("parentRunId") is { Length: > 0 } parent ? parent : null;

    /// <summary>The conversation of a message: its thread.</summary>
    public string Thread => ForeignIds.Conversation(Parent ?? RunId);

    public DateTimeOffset? At => Json.Time("timestamp");

    public string? UserId => Json.AnyText("userId");

    public IReadOnlyList<string> Tags =>
    [
        .. Json.Elements("threadTags").Concat(Json.Elements("tags")).Where(tag => tag.ValueKind == JsonValueKind.String)
            .Select(tag => tag.GetString()!),
    ];

    /// <summary>Whether the thumb of a feedback points up; null: it is no feedback, or has none.</summary>
    public bool? IsUp => Refusal is null && Json.Text("event") == "feedback" && Json.Get("feedback").Text("thumb") is "up" or "down"
        ? Json.Get("feedback").Text("thumb") == "up"
        : null;

    public static LunaryEvent Of(JsonElement json)
    {
        var id = json.Text("runId");
        if (id is not { Length: > 0 })
            return new("", json, ProblemException.Validation("runId", "Is required."));
        return TextSafety.IsSafe(id) && Text.Length(id) <= EventStore.MaxIdLength
            ? new(id, json, null)
            : new("", json, ProblemException.Validation("runId", $"May have at most {EventStore.MaxIdLength} characters."));
    }

    public ForeignRating Rating(string conversation) =>
        new(conversation, RunId, IsUp == true, Json.Get("feedback").Text("comment"), At ?? DateTimeOffset.MaxValue);
}
