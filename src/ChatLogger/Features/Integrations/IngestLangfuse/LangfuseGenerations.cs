using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Http;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>Puts the pieces of generations together and writes them as exchanges.</summary>
internal sealed class LangfuseGenerations(EventStore store, ExchangeWriter writer, TimeProvider time)
{
    /// <summary>What was refused, by generation, and the conversation of each trace that was named.</summary>
    public sealed record Result(IReadOnlyDictionary<string, ProblemException?> Refusals, Func<string, string> ConversationOf);

    public async Task<Result> Write(PluginCaller caller, IReadOnlyList<LangfuseEvent> events, CancellationToken ct)
    {
        var merged = await store.Merge(caller, events.Select(each => each.Piece).OfType<EventPiece>(), ct);
        var generations = merged.Where(each => each.Key.Source == LangfuseEvent.Generations)
            .ToDictionary(each => each.Key.Id, each => each.Value, StringComparer.Ordinal);
        var traces = await store.Find(
            caller.OrgId,
            LangfuseEvent.Traces,
            generations.Values.Select(generation => generation.Text("traceId")).Concat(events.Select(each => each.TraceId))
                .OfType<string>().Where(id => id.Length > 0),
            ct);

        string ConversationOf(string traceId) => ForeignIds.Conversation(
            traces.GetValueOrDefault(traceId).Text("sessionId") is { } session && !string.IsNullOrWhiteSpace(session) ? session : traceId);

        var refusals = new Dictionary<string, ProblemException?>(StringComparer.Ordinal);
        var exchanges = new List<Exchange>();
        foreach (var (id, generation) in generations)
        {
            try
            {
                var traceId = generation.Text("traceId") is { Length: > 0 } named ? named : id;
                var exchange = Read(id, generation, ConversationOf(traceId), traces.GetValueOrDefault(traceId));
                if (exchange.Input.Count + exchange.Output.Count > 0)
                    exchanges.Add(exchange);
            }
            // Text with half of a surrogate pair, or JSON that is nested too deeply.
            catch (Exception unreadable) when (unreadable is InvalidOperationException or JsonException or FormatException)
            {
                refusals[id] = ProblemException.Validation("body", "The messages of the generation cannot be read.");
            }
        }
        List<string> answered = [.. exchanges.Where(each => each.Output.Count > 0).Select(each => each.Id)];
        var results = await writer.Write(caller, exchanges, ct);
        for (var i = 0; i < exchanges.Count; i++)
            refusals[exchanges[i].Id] = results[i];
        await store.Complete(caller.OrgId, LangfuseEvent.Generations, answered, ct);
        return new(refusals, ConversationOf);
    }

    private Exchange Read(string id, JsonElement generation, string conversation, JsonElement trace)
    {
        var notes = new ImportNotes();
        var messages = new ForeignMessages(new EmbeddedData(notes), notes);
        var startedAt = generation.Time("startTime") ?? generation.Time("endTime") ?? time.GetUtcNow();
        var endedAt = generation.Time("endTime") ?? startedAt;
        var details = Parsed(generation, "usageDetails");
        var usage = details.IsGiven() ? details : Parsed(generation, "usage");
        var isFirst = true;
        var (input, output) = (messages.Read(Value(generation, "input"), "user"), messages.Read(Value(generation, "output"), "assistant"));
        return new()
        {
            ConversationId = conversation,
            Id = id,
            Names = generation.Text("traceId") is { Length: > 0 } traceId ? [id, traceId] : [id],
            ExternalUserId = trace.Text("userId"),
            Tags = [.. Parsed(trace, "tags").Elements().Select(tag => tag.ValueKind == JsonValueKind.String ? tag.GetString()! : "")],
            StartedAt = startedAt,
            EndedAt = endedAt < startedAt ? startedAt : endedAt,
            Input = output.Count == 0 ? OpenQuestion.Of(id, input, notes) : input,
            Output = [.. output.Select(Answer)],
        };

        // Of several answers the first has what the call took.
        ImportedMessage Answer(ImportedMessage answer)
        {
            var said = answer with
            {
                Model = generation.Text("model"),
                Metadata = new MetadataBuilder(notes)
                    .Add("traceId", generation.Text("traceId"))
                    .Add("observationId", id)
                    .Add("level", generation.Text("level") is not "DEFAULT" and var level ? level : null)
                    .Add("statusMessage", generation.Text("statusMessage"))
                    .Add("reasoning", answer.Metadata.Text("reasoning"))
                    .Build(),
            };
            if (!isFirst)
                return said;
            isFirst = false;
            return said with
            {
                LatencyMs = endedAt > startedAt ? (int)Math.Min((endedAt - startedAt).TotalMilliseconds, int.MaxValue) : null,
                PromptTokens = usage.Count("input") ?? usage.Count("promptTokens") ?? usage.Count("prompt_tokens"),
                CompletionTokens = usage.Count("output") ?? usage.Count("completionTokens") ?? usage.Count("completion_tokens"),
                TokenCount = usage.Count("total") ?? usage.Count("totalTokens") ?? usage.Count("total_tokens"),
            };
        }
    }

    private static JsonElement Parsed(JsonElement owner, string name) =>
        owner.Text(name) is { } text && ForeignMessages.Parsed(text) is { } json ? json : default;

    private static JsonElement Value(JsonElement owner, string name) => owner.Get(name, JsonValueKind.String);
}
