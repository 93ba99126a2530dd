using System.Globalization;
using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Http;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>
/// Writes messages of threads, and puts the start and the end of calls of models together. It remembers of which conversation each run is,
/// because feedback names the run alone.
/// </summary>
internal sealed class LunaryRuns(EventStore store, ExchangeWriter writer, TimeProvider time)
{
    /// <summary>Returns, for each event, why it was refused; null: it was taken.</summary>
    public async Task<ProblemException?[]> Write(PluginCaller caller, IReadOnlyList<LunaryEvent> events, CancellationToken ct)
    {
        var refusals = events.Select(each => each.Refusal).ToArray();
        var merged = await store.Merge(caller, events.Where(each => each.IsMessage).Select(Message)
            .Concat(events.Where(each => each.IsCall).Select(Call)), ct);
        var calls = merged.Where(each => each.Key.Source == LunaryEvent.Runs).ToDictionary(each => each.Key.Id, each => each.Value);
        // A call within a message of a thread is how the message came about: the message itself is there.
        var answered = await store.Find(
            caller.OrgId, LunaryEvent.Messages, calls.Values.Select(call => call.Text("parent")).OfType<string>(), ct);

        var exchanges = new List<Exchange>();
        var places = new List<List<int>>();
        var notes = new ImportNotes();
        var messages = new ForeignMessages(new EmbeddedData(notes), notes);
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].IsMessage)
                Add(i, () => Read(events[i], messages, notes), [i]);
        }
        foreach (var (id, call) in calls.Where(run => run.Value.Text("parent") is not { } parent || !answered.ContainsKey(parent)))
        {
            List<int> of = [.. Enumerable.Range(0, events.Count).Where(at => events[at].IsCall && events[at].RunId == id)];
            Add(of[0], () => Read(id, call, messages, notes), of);
        }
        var results = await writer.Write(caller, exchanges, ct);
        for (var i = 0; i < results.Length; i++)
            places[i].ForEach(at => refusals[at] = results[i]);
        return refusals;

        void Add(int at, Func<Exchange> read, List<int> of)
        {
            try
            {
                if (read() is { } exchange && exchange.Input.Count + exchange.Output.Count > 0)
                {
                    exchanges.Add(exchange);
                    places.Add(of);
                }
            }
            // Text with half of a surrogate pair, or JSON that is nested too deeply.
            catch (Exception unreadable) when (unreadable is InvalidOperationException or JsonException or FormatException)
            {
                refusals[at] = ProblemException.Validation("message", "Cannot be read.");
            }
        }
    }

    /// <summary>The conversations of runs; a run that is not known is left out.</summary>
    public async Task<Dictionary<string, string>> ConversationsOf(Guid orgId, IReadOnlyList<string> runs, CancellationToken ct)
    {
        var found = await store.Find(orgId, LunaryEvent.Messages, runs, ct);
        foreach (var (id, call) in await store.Find(orgId, LunaryEvent.Runs, runs, ct))
            found.TryAdd(id, call);
        return found.Where(run => run.Value.Text("conversation") is not null)
            .ToDictionary(run => run.Key, run => run.Value.Text("conversation")!);
    }

    private static EventPiece Message(LunaryEvent each) =>
        new(LunaryEvent.Messages, each.RunId, new() { ["conversation"] = each.Thread });

    private static EventPiece Call(LunaryEvent each)
    {
        var isStart = each.Json.Text("event") == "start";
        var at = (each.At ?? DateTimeOffset.UnixEpoch).ToString("O", CultureInfo.InvariantCulture);
        var usage = each.Json.Get("tokensUsage", JsonValueKind.Object);
        return new(LunaryEvent.Runs, each.RunId, new()
        {
            ["parent"] = each.Parent,
            ["conversation"] = isStart ? ForeignIds.Conversation(each.Parent ?? each.RunId) : null,
            ["startedAt"] = isStart ? at : null,
            ["endedAt"] = isStart ? null : at,
            ["model"] = each.Json.Text("name"),
            ["userId"] = each.UserId,
            ["tags"] = each.Tags.Count == 0 ? null : JsonSerializer.Serialize(each.Tags),
            ["input"] = Raw(each.Json.Get("input")),
            ["output"] = Raw(each.Json.Get("output")),
            ["usage"] = Raw(usage),
        });
    }

    private static string? Raw(JsonElement json) => !json.IsGiven() ? null
        : json.ValueKind == JsonValueKind.String ? json.GetString() : json.GetRawText();

    private Exchange Read(LunaryEvent each, ForeignMessages messages, ImportNotes notes)
    {
        var at = each.At ?? time.GetUtcNow();
        var metadata = new MetadataBuilder(notes).Add("runId", each.RunId).Build();
        return new()
        {
            ConversationId = each.Thread,
            Id = each.RunId,
            ExternalUserId = each.UserId,
            Tags = each.Tags,
            StartedAt = at,
            EndedAt = at,
            Input = [],
            Output = [.. messages.Read(each.Json.Get("message"), "user").Select(message => message with { Metadata = metadata })],
        };
    }

    private Exchange Read(string id, JsonElement call, ForeignMessages messages, ImportNotes notes)
    {
        var startedAt = call.Time("startedAt") ?? call.Time("endedAt") ?? time.GetUtcNow();
        var endedAt = call.Time("endedAt") is { } end && end > startedAt ? end : startedAt;
        var usage = call.Text("usage") is { } text && ForeignMessages.Parsed(text) is { } json ? json : default;
        var metadata = new MetadataBuilder(notes).Add("runId", id).Build();
        return new()
        {
            ConversationId = call.Text("conversation") ?? ForeignIds.Conversation(id),
            Id = id,
            Names = [id],
            ExternalUserId = call.Text("userId"),
            Tags = call.Text("tags") is { } tags ? [.. JsonElement.Parse(tags).EnumerateArray().Select(tag => tag.GetString()!)] : [],
            StartedAt = startedAt,
            EndedAt = endedAt,
            Input = messages.Read(call.Get("input"), "user"),
            Output = [.. messages.Read(call.Get("output"), "assistant").Select((answer, at) => answer with
            {
                Metadata = metadata,
                Model = call.Text("model"),
                LatencyMs = at == 0 && endedAt > startedAt ? (int)Math.Min((endedAt - startedAt).TotalMilliseconds, int.MaxValue) : null,
                PromptTokens = at == 0 ? usage.Count("prompt") : null,
                CompletionTokens = at == 0 ? usage.Count("completion") : null,
            })],
        };
    }
}
