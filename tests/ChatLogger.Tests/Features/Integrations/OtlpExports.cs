using System.Globalization;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using ChatLogger.Features.Otlp;
using Google.Protobuf;

namespace ChatLogger.Tests.Features.Integrations;

/// <summary>Makes exports of spans as SDKs send them.</summary>
internal static class OtlpExports
{
    /// <summary>A span with these attributes: strings, integers, or JSON nodes for what is structured.</summary>
    public static JsonObject Span(
        string traceId, string spanId, DateTimeOffset start, params (string Key, object Value)[] attributes) => new()
        {
            ["traceId"] = traceId,
            ["spanId"] = spanId,
            ["name"] = "chat m-1",
            ["kind"] = 3,
            ["startTimeUnixNano"] = Nanoseconds(start),
            ["endTimeUnixNano"] = Nanoseconds(start.AddMilliseconds(840)),
            ["attributes"] = new JsonArray([.. attributes.Select(attribute => (JsonNode)new JsonObject
            {
                ["key"] = attribute.Key,
                ["value"] = Value(attribute.Value),
            })]),
            ["status"] = new JsonObject(),
            ["aMemberOfTomorrow"] = 1,
        };

    /// <summary>A call of a model in the GenAI conventions: the input is user, assistant, user, … in turn.</summary>
    public static JsonObject Chat(
        string traceId, string spanId, DateTimeOffset start, string conversation, string[] input, string? output) =>
        Span(traceId, spanId, start,
        [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.conversation.id", conversation),
            ("gen_ai.request.model", "m-1"),
            ("gen_ai.usage.input_tokens", 12L),
            ("gen_ai.usage.output_tokens", 34L),
            ("gen_ai.input.messages", Messages(input, input.Length % 2 == 1 ? 0 : 1)),
            .. output is null ? Array.Empty<(string, object)>() : [("gen_ai.output.messages", (object)Messages([output], 1))],
        ]);

    public static string Messages(string[] texts, int first) => new JsonArray([.. texts.Select((text, at) => (JsonNode)new JsonObject
    {
        ["role"] = (at + first) % 2 == 0 ? "user" : "assistant",
        ["parts"] = new JsonArray(new JsonObject { ["type"] = "text", ["content"] = text }),
    })]).ToJsonString();

    public static string Export(params JsonObject[] spans) => new JsonObject
    {
        ["resourceSpans"] = new JsonArray(new JsonObject
        {
            ["resource"] = new JsonObject { ["attributes"] = new JsonArray() },
            ["scopeSpans"] = new JsonArray(new JsonObject
            {
                ["scope"] = new JsonObject { ["name"] = "test" },
                ["spans"] = new JsonArray([.. spans.Select(span => span.DeepClone())]),
            }),
        }),
    }.ToJsonString();

    /// <summary>The same export in protobuf. Ids are base64 in the JSON of protobuf, hex in that of OTLP.</summary>
    public static byte[] Protobuf(params JsonObject[] spans)
    {
        var export = JsonNode.Parse(Export(spans))!;
        foreach (var span in export["resourceSpans"]![0]!["scopeSpans"]![0]!["spans"]!.AsArray())
        {
            foreach (var id in new[] { "traceId", "spanId" })
                span![id] = Convert.ToBase64String(Convert.FromHexString(span[id]!.GetValue<string>()));
        }
        var parser = new JsonParser(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));
        return parser.Parse<ExportRequest>(export.ToJsonString()).ToByteArray();
    }

    public static ByteArrayContent Content(byte[] bytes, string type, bool gzip = false)
    {
        if (gzip)
        {
            var packed = new MemoryStream();
            using (var stream = new GZipStream(packed, CompressionLevel.Fastest))
                stream.Write(bytes);
            bytes = packed.ToArray();
        }
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        if (gzip)
            content.Headers.ContentEncoding.Add("gzip");
        return content;
    }

    public static string TraceId() => Guid.NewGuid().ToString("N");

    public static string SpanId() => Guid.NewGuid().ToString("N")[..16];

    private static string Nanoseconds(DateTimeOffset at) =>
        (at.ToUnixTimeMilliseconds() * 1_000_000).ToString(CultureInfo.InvariantCulture);

    private static JsonObject Value(object value) => value switch
    {
        string text => new() { ["stringValue"] = text },
        long number => new() { ["intValue"] = number.ToString(CultureInfo.InvariantCulture) },
        JsonArray array => new()
        {
            ["arrayValue"] = new JsonObject { ["values"] = new JsonArray([.. array.Select(each => Structured(each!))]) },
        },
        _ => throw new ArgumentException("No such value."),
    };

    private static JsonObject Structured(JsonNode node) => node switch
    {
        JsonObject members => new()
        {
            ["kvlistValue"] = new JsonObject
            {
                ["values"] = new JsonArray([.. members.Select(member => (JsonNode)new JsonObject
                {
                    ["key"] = member.Key,
                    ["value"] = Structured(member.Value!),
                })]),
            },
        },
        JsonArray array => Value(array),
        _ => new() { ["stringValue"] = node.GetValue<string>() },
    };
}
