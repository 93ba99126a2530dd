using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using ChatLogger.Features.Otlp;
using Google.Protobuf;

namespace ChatLogger.Bench.Comparison;

/// <summary>
/// Exports of OpenTelemetry as the instrumentation of a bot sends them: fifty calls of a model, each of another conversation, with all
/// that was said in it before. So each brings two messages that are new, a hundred an export. The next export of the same fifty
/// conversations comes after those of many others.
/// </summary>
internal static class Exports
{
    public const int PerExport = 2 * Conversations;

    /// <summary>The script that is to run puts another text of the same length in its place, another one for each export.</summary>
    public const string Placeholder = "@@@@@@@@@@@@@@@@";

    private const int Conversations = 50, Turns = 5;

    // With \" for a quotation mark, as JSON.stringify writes it.
    private static readonly JsonSerializerOptions AsOthersWrite = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The export of each turn: in protobuf, or in the JSON of OTLP.</summary>
    public static IEnumerable<byte[]> Bodies(bool json)
    {
        var now = (ulong)DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeMilliseconds() * 1_000_000;
        foreach (var turn in Enumerable.Range(0, Turns))
        {
            var spans = Enumerable.Range(0, Conversations).Select(at => Span(turn, at, now + (ulong)turn * 1_000_000_000));
            yield return json ? Json(spans) : Protobuf(spans);
        }
    }

    /// <summary>The same in batches, without what was said before: what a client of the API sends.</summary>
    public static IEnumerable<byte[]> Batches() => Enumerable.Range(0, Turns).Select(turn => JsonSerializer.SerializeToUtf8Bytes(new
    {
        items = Enumerable.Range(0, Conversations).SelectMany(conversation => Items(turn, conversation)),
    }));

    private static IEnumerable<object> Items(int turn, int conversation)
    {
        var name = $"bench-{Placeholder}-{conversation:000}";
        var (chat, asked) = ($"c{conversation}", 2 * turn);
        return
        [
            new { type = "chat", @ref = chat, externalId = name },
            new { type = "message", chatRef = chat, idempotencyKey = $"{name}-{asked}", role = "user", content = Load.Content(asked) },
            new
            {
                type = "message",
                chatRef = chat,
                idempotencyKey = $"{name}-{asked + 1}",
                role = "assistant",
                content = Load.Content(asked + 1),
                metadata = new { provider = "openai" },
                model = "gpt-4o",
                latencyMs = 840,
                promptTokens = 100 + turn,
                completionTokens = 50 + turn,
            },
        ];
    }

    private static Span Span(int turn, int conversation, ulong at)
    {
        // The traces of the next conversations may be the same: the conversation is told by its name.
        var id = turn * Conversations + conversation + 1;
        var span = new Span
        {
            TraceId = ByteString.CopyFrom(Convert.FromHexString($"{id:x32}")),
            SpanId = ByteString.CopyFrom(Convert.FromHexString($"{id:x16}")),
            Name = "chat gpt-4o",
            StartTimeUnixNano = at,
            EndTimeUnixNano = at + 840_000_000,
        };
        span.Attributes.Add(
        [
            Text("gen_ai.operation.name", "chat"),
            Text("gen_ai.provider.name", "openai"),
            Text("gen_ai.request.model", "gpt-4o"),
            Text("gen_ai.conversation.id", $"bench-{Placeholder}-{conversation:000}"),
            Text("gen_ai.input.messages", Messages(0, 2 * turn + 1)),
            Text("gen_ai.output.messages", Messages(2 * turn + 1, 1)),
            Number("gen_ai.usage.input_tokens", 100 + turn),
            Number("gen_ai.usage.output_tokens", 50 + turn),
        ]);
        return span;
    }

    private static string Messages(int first, int count) => JsonSerializer.Serialize(Enumerable.Range(first, count).Select(n => new
    {
        role = n % 2 == 0 ? "user" : "assistant",
        parts = new[] { new { type = "text", content = Load.Content(n) } },
    }));

    private static KeyValue Text(string key, string value) => new() { Key = key, Value = new() { StringValue = value } };

    private static KeyValue Number(string key, long value) => new() { Key = key, Value = new() { IntValue = value } };

    private static byte[] Protobuf(IEnumerable<Span> spans)
    {
        var export = new ExportRequest { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans() } } } };
        export.ResourceSpans[0].ScopeSpans[0].Spans.Add(spans);
        return export.ToByteArray();
    }

    private static byte[] Json(IEnumerable<Span> spans) => JsonSerializer.SerializeToUtf8Bytes(
        new { resourceSpans = new[] { new { scopeSpans = new[] { new { spans = spans.Select(Json) } } } } }, AsOthersWrite);

    private static object Json(Span span) => new
    {
        traceId = Convert.ToHexStringLower(span.TraceId.Span),
        spanId = Convert.ToHexStringLower(span.SpanId.Span),
        name = span.Name,
        startTimeUnixNano = span.StartTimeUnixNano.ToString(CultureInfo.InvariantCulture),
        endTimeUnixNano = span.EndTimeUnixNano.ToString(CultureInfo.InvariantCulture),
        attributes = span.Attributes.Select(attribute => new
        {
            key = attribute.Key,
            value = attribute.Value.ValueCase == AnyValue.ValueOneofCase.IntValue
                ? (object)new { intValue = attribute.Value.IntValue.ToString(CultureInfo.InvariantCulture) }
                : new { stringValue = attribute.Value.StringValue },
        }),
    };
}
