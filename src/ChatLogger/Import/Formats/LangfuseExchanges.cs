using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// Makes one conversation of the generations of traces. Each generation repeats what was said before; what the conversation already ends
/// with is not added again.
/// </summary>
internal sealed class LangfuseExchanges(JsonSource source)
{
    // Where applications put what was asked or answered, if they log an object.
    private static readonly string[] TextMembers = ["content", "text", "completion", "answer", "output", "input", "question", "query"];

    private readonly List<ImportedMessage> _messages = [];
    private readonly List<string> _keys = [];

    public IReadOnlyList<ImportedMessage> Messages => _messages;

    public void Add(JsonElement json)
    {
        var trace = LangfuseFormat.Trace(json);
        var generations = json.Elements("observations").Concat(json.Get("trace").Elements("observations"))
            .Where(IsGeneration).OrderBy(generation => generation.Time("startTime")).ToList();
        // A row of the table of observations is a generation by itself.
        if (generations.Count == 0)
            generations.Add(trace);
        foreach (var generation in generations)
        {
            var at = generation.Time("startTime") ?? trace.Time("timestamp");
            var end = generation.Time("endTime");
            AddNew([.. Read(generation.Get("input"), "user").Select(message => message with { CreatedAt = at })]);
            var usage = generation.Get("usageDetails") is { ValueKind: JsonValueKind.Object } details ? details : generation.Get("usage");
            var rating = Rating(LangfuseFormat.Scores(json).Where(
                score => generation.Text("id") is { } id && score.Text("observationId") == id));
            AddNew([.. Read(generation.Get("output"), "assistant").Select(message => message.Role != "assistant" ? message : message with
            {
                Model = generation.AnyText("model", "providedModelName"),
                PromptTokens = usage.Count("input") ?? generation.Count("promptTokens") ?? usage.Count("promptTokens"),
                CompletionTokens = usage.Count("output") ?? generation.Count("completionTokens") ?? usage.Count("completionTokens"),
                LatencyMs = at is { } from && end is { } to && to >= from ? (int)Math.Min((to - from).TotalMilliseconds, int.MaxValue)
                    : generation.Count("latency", 1000),
                CreatedAt = end ?? at,
                Metadata = source.Metadata()
                    .Add("observationId", generation.Text("id"))
                    .Add("level", generation.Text("level") is not "DEFAULT" and var level ? level : null)
                    .Add("statusMessage", generation.Text("statusMessage"))
                    .Build(),
                Feedback = rating,
            })]);
        }
    }

    /// <summary>The last score that is a yes or no, or a rating by an end user.</summary>
    public static ImportedFeedback? Rating(IEnumerable<JsonElement> scores) => scores
        .Where(score => score.Text("dataType") is null or "BOOLEAN" || IsOfUser(score.Text("name")))
        .Select(score => score.Get("value") is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out var number)
            && (IsOfUser(score.Text("name")) || score.Text("dataType") == "BOOLEAN")
                ? new ImportedFeedback(number > 0 ? "up" : "down", score.Text("comment"), score.Time("timestamp"))
                : null)
        .LastOrDefault(feedback => feedback is not null);

    private static bool IsOfUser(string? name) =>
        name is not null && (name.Contains("feedback", StringComparison.OrdinalIgnoreCase)
            || name.Contains("thumb", StringComparison.OrdinalIgnoreCase)
            || name.Contains("rating", StringComparison.OrdinalIgnoreCase));

    private static bool IsGeneration(JsonElement observation) =>
        string.Equals(observation.Text("type"), "GENERATION", StringComparison.OrdinalIgnoreCase);

    /// <summary>Adds what follows the longest end of the conversation with which these messages begin.</summary>
    private void AddNew(List<ImportedMessage> messages)
    {
        var keys = messages.ConvertAll(Key);
        var known = Math.Min(keys.Count, _keys.Count);
        while (known > 0 && !_keys.TakeLast(known).SequenceEqual(keys.Take(known)))
            known--;
        _messages.AddRange(messages.Skip(known));
        _keys.AddRange(keys.Skip(known));
    }

    private static string Key(ImportedMessage message) => string.Join('\u0001',
        message.Role, message.Content, Raw(message.Parts), Raw(message.ToolCalls), message.ToolCallId);

    private static string Raw(JsonElement json) => json.IsGiven() ? json.GetRawText() : "";

    private IEnumerable<ImportedMessage> Read(JsonElement json, string role)
    {
        if (json.ValueKind == JsonValueKind.String && json.GetString() is { Length: > 0 } text)
        {
            if (text[0] is not ('{' or '[') || Parsed(text) is not { } inner)
                return [Said(role, text)];
            json = inner;
        }
        if (json.Get("messages") is { ValueKind: JsonValueKind.Array } messages)
            return Read(messages, role);
        if (json.Get("choices") is { ValueKind: JsonValueKind.Array } choices)
            return choices.EnumerateArray().Take(1).SelectMany(choice => Read(choice.Get("message"), role));
        if (json.ValueKind == JsonValueKind.Array)
        {
            return json.EnumerateArray().Any() && json.EnumerateArray().All(IsMessage)
                ? json.EnumerateArray().Select((message, index) => OpenAiMessages.Read(message, index, source.Embedded, source.Notes))
                : [Said(role, json.GetRawText())];
        }
        if (json.ValueKind != JsonValueKind.Object)
            return [];
        return IsMessage(json)
            ? [OpenAiMessages.Read(json, _messages.Count, source.Embedded, source.Notes)]
            : [Said(role, json.AnyText(TextMembers) ?? json.GetRawText())];
    }

    private static bool IsMessage(JsonElement json) => json.ValueKind == JsonValueKind.Object && json.AnyText("role") is not null
        && json.Get("content").ValueKind is JsonValueKind.Undefined or JsonValueKind.String or JsonValueKind.Array;

    private ImportedMessage Said(string role, string text) => new() { Role = role, Content = source.Embedded.InText(text) };

    private static JsonElement? Parsed(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
