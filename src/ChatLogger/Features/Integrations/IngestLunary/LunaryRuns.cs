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
        // A call within a message of a thread is how the message came about: the message itself is there.
        var threads = await ThreadsOfRuns(caller.OrgId, events, ct);
        var merged = await store.Merge(
            caller,
            [
                .. events.Where(each => each.IsMessage).Select(Message),
                .. threads.Select(run => new EventPiece(LunaryEvent.RunsOfMessages, run.Key, new() { ["conversation"] = run.Value })),
                .. events.Where(each => each.IsCall && !threads.ContainsKey(each.RunId)).Select(Call),
            ],
            ct);
        var calls = merged.Where(each => each.Key.Source == LunaryEvent.Runs).ToDictionary(each => each.Key.Id, each => each.Value);
        // The message may have come after the start of the call.
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

    // The threads of those runs that are within a message, also through other runs, of this request or of one before.
    private async Task<Dictionary<string, string>> ThreadsOfRuns(Guid orgId, IReadOnlyList<LunaryEvent> events, CancellationToken ct)
    {
        var runs = events.Where(each => each.IsRun).Select(each => each.RunId).Distinct(StringComparer.Ordinal).ToList();
        var parents = events.Where(each => each is { IsRun: true, Parent: not null })
            .GroupBy(each => each.RunId, StringComparer.Ordinal)
            .ToDictionary(run => run.Key, run => run.Last().Parent!, StringComparer.Ordinal);
        var asked = runs.Concat(parents.Values).ToList();
        var known = await store.Find(orgId, LunaryEvent.Messages, parents.Values, ct);
        foreach (var (id, run) in await store.Find(orgId, LunaryEvent.RunsOfMessages, asked, ct))
            known.TryAdd(id, run);
        var threads = known.ToDictionary(each => each.Key, each => each.Value.Text("conversation"), StringComparer.Ordinal);
        foreach (var message in events.Where(each => each.IsMessage))
            threads[message.RunId] = message.Thread;
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var run in runs)
        {
            // A run that is within itself leads nowhere.
            var (at, steps) = (run, 0);
            while (!threads.ContainsKey(at) && steps++ <= parents.Count && parents.TryGetValue(at, out var parent))
                at = parent;
            if (threads.GetValueOrDefault(at) is { } thread)
                found[run] = thread;
        }
        return found;
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
            ["conversation"] = isStart || each.Parent is not null ? ForeignIds.Conversation(each.Parent ?? each.RunId) : null,
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
        var (input, output) = (messages.Read(call.Get("input"), "user"), messages.Read(call.Get("output"), "assistant"));
        return new()
        {
            ConversationId = call.Text("conversation") ?? ForeignIds.Conversation(id),
            Id = id,
            Names = [id],
            ExternalUserId = call.Text("userId"),
            Tags = call.Text("tags") is { } tags ? [.. JsonElement.Parse(tags).EnumerateArray().Select(tag => tag.GetString()!)] : [],
            StartedAt = startedAt,
            EndedAt = endedAt,
            Input = output.Count == 0 ? OpenQuestion.Of(id, input, notes) : input,
            Output = [.. output.Select((answer, at) => answer with
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
