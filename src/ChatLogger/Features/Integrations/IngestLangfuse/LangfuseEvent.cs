using System.Text.Json;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>An event of a batch: of a trace, of a generation, a score, or another one, which is dropped.</summary>
/// <param name="Id">The event's own id.</param>
/// <param name="Piece">What it tells of a trace or a generation; null: nothing.</param>
/// <param name="Body">Its body.</param>
/// <param name="Type">Its type.</param>
/// <param name="At">When it was sent.</param>
/// <param name="Refusal">Why it is refused.</param>
internal sealed record LangfuseEvent(
    string Id, EventPiece? Piece, JsonElement Body, string Type, DateTimeOffset? At, ProblemException? Refusal)
{
    public const string Traces = "langfuse-trace";
    public const string Generations = "langfuse-generation";

    private static readonly string[] TraceMembers = ["sessionId", "userId", "tags"];

    private static readonly string[] GenerationMembers =
        ["traceId", "startTime", "endTime", "model", "input", "output", "usage", "usageDetails", "level", "statusMessage"];

    /// <summary>The generation that the event tells of; null: it tells of none.</summary>
    public string? Generation => Piece?.Source == Generations ? Piece.Id : null;

    public string? TraceId => Body.Text("traceId");

    public static LangfuseEvent Of(JsonElement json)
    {
        var (id, type, body) = (json.Text("id"), json.Text("type"), json.Get("body"));
        if (id is not { Length: > 0 } || type is null || body.ValueKind != JsonValueKind.Object)
            return Refused(id, "body", "An event has an id, a type and a body.");
        if (!TextSafety.IsSafe(id) || Text.Length(id) > EventStore.MaxIdLength)
            return Refused(null, "id", $"May have at most {EventStore.MaxIdLength} characters.");
        var isGeneration = type is "generation-create" or "generation-update"
            || (type is "observation-create" or "observation-update"
                && string.Equals(body.Text("type"), "GENERATION", StringComparison.OrdinalIgnoreCase));
        var about = type == "trace-create" ? Traces : isGeneration ? Generations : null;
        var piece = default(EventPiece);
        if (about is not null)
        {
            var of = body.Text("id") is { Length: > 0 } given ? given : id;
            if (!TextSafety.IsSafe(of) || Text.Length(of) > EventStore.MaxIdLength)
                return Refused(id, "body.id", $"May have at most {EventStore.MaxIdLength} characters.");
            piece = new(about, of, Members(body, about == Traces ? TraceMembers : GenerationMembers));
        }
        return new(id, piece, body, type, json.Time("timestamp"), null);
    }

    /// <summary>The rating that the event gives; null: none.</summary>
    public ForeignRating? Rating(Func<string, string> conversationOf)
    {
        if (Type != "score-create" || Refusal is not null || TraceId is not { Length: > 0 } trace)
            return null;
        var isOfUser = Body.Text("name") is { } name && Array.Exists(
            ["feedback", "thumb", "rating"], word => name.Contains(word, StringComparison.OrdinalIgnoreCase));
        if (!isOfUser && Body.Text("dataType") != "BOOLEAN")
            return null;
        var value = Body.Get("value");
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number)
            ? new(
                conversationOf(trace), Body.Text("observationId"), number > 0, Body.Text("comment"),
                Body.Time("timestamp") ?? At ?? DateTimeOffset.MaxValue)
            : null;
    }

    private static LangfuseEvent Refused(string? id, string path, string sentence) =>
        new(id ?? "", null, default, "", null, ProblemException.Validation(path, sentence));

    // JSON is kept as it was sent, strings as what they say.
    private static Dictionary<string, string?> Members(JsonElement body, string[] names) => names.ToDictionary(
        name => name,
        name => body.Get(name) is var value && !value.IsGiven() ? null
            : value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText());
}
