using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// Langfuse's exports as JSON: traces with their observations, one trace as its page downloads it (<c>{ trace, observations }</c>), a
/// session with its traces, or a page of the API (<c>{ data }</c>). A trace is a chat; a session whose traces are together is one, too.
/// </summary>
internal sealed class LangfuseFormat : JsonImportFormat
{
    public override string Name => "langfuse";

    protected override IEnumerable<ImportedConversation> Conversations(JsonElement json, JsonSource source)
    {
        if (json.Get("data") is { ValueKind: JsonValueKind.Array } page)
            return page.EnumerateArray().Select(trace => Conversation([trace], session: null, source));
        if (json.Get("traces") is { ValueKind: JsonValueKind.Array } inSession)
            return [Conversation([.. inSession.EnumerateArray().OrderBy(Time)], json.AnyText("id", "sessionId"), source)];
        return [Conversation([json], session: null, source)];
    }

    private static ImportedConversation Conversation(List<JsonElement> traces, string? session, JsonSource source)
    {
        var exchanges = new LangfuseExchanges(source);
        foreach (var trace in traces)
            exchanges.Add(trace);
        var first = Trace(traces.FirstOrDefault());
        if (first.ValueKind != JsonValueKind.Object || first.AnyText("id", "traceId") is not { } id)
            throw new FormatException("a trace has no id");
        return Fitted.Conversation(
            new()
            {
                Id = session ?? id,
                ExternalId = source.ExternalId(session ?? id),
                Title = first.AnyText("name", "traceName"),
                Tags = [.. traces.SelectMany(trace => Trace(trace).Elements("tags"))
                    .Where(tag => tag.ValueKind == JsonValueKind.String).Select(tag => tag.GetString()!).Distinct()],
                ExternalUserId = first.Text("userId"),
                CreatedAt = Time(first),
                Metadata = source.Metadata()
                    .Add("source", "langfuse")
                    .Add("traceId", session is null ? id : null)
                    .Add("sessionId", session ?? first.Text("sessionId"))
                    .Add("release", first.Text("release"))
                    .Add("version", first.Text("version"))
                    .Add("environment", first.Text("environment"))
                    .Add("metadata", first.Get("metadata", JsonValueKind.Object))
                    .Build(),
                Messages = exchanges.Messages,
                Feedback = LangfuseExchanges.Rating(traces.SelectMany(Scores).Where(score => score.Text("observationId") is null)),
            },
            source.Notes);
    }

    /// <summary>The trace itself, which its page's download has as a member.</summary>
    public static JsonElement Trace(JsonElement json) => json.Get("trace") is { ValueKind: JsonValueKind.Object } inner ? inner : json;

    public static IEnumerable<JsonElement> Scores(JsonElement json) =>
        json.Elements("scores").Concat(json.Get("trace").Elements("scores"));

    private static DateTimeOffset? Time(JsonElement json) =>
        Trace(json).Time("timestamp") ?? Trace(json).Time("startTime") ?? Trace(json).Time("createdAt");
}
