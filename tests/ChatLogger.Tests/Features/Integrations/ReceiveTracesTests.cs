using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Integrations;

/// <summary>Spans of OpenTelemetry become the messages of conversations, each once and in order.</summary>
public partial class ReceiveTracesTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UtcNow.AddMinutes(-30);

    [Fact]
    public async Task A_call_of_a_model_becomes_the_messages_of_its_conversation()
    {
        var acme = await app.Org("acme");
        var span = Chat(Start, "s-1", ["Where is it?"], "On its way.");

        var answer = await Send(acme, span);

        Assert.Equal(("application/json", "{}"), (answer.Is(200).Header("Content-Type"), answer.Body));
        var messages = await Messages(acme, "s-1");
        Assert.Equal(["user: Where is it?", "assistant: On its way."], Said(messages));
        Assert.Equal("m-1", messages[1].GetProperty("model").GetString());
        Assert.Equal([12, 34, 840], Array.ConvertAll(
            ["promptTokens", "completionTokens", "latencyMs"], name => messages[1].GetProperty(name).GetInt32()));
        Assert.Equal(JsonValueKind.Null, messages[0].GetProperty("model").ValueKind);
        Assert.Equal(
            Start.ToUnixTimeMilliseconds() + 840, messages[1].GetProperty("createdAt").GetDateTimeOffset().ToUnixTimeMilliseconds());
        Assert.Equal(span["spanId"]!.GetValue<string>(), messages[1].GetProperty("metadata").GetProperty("spanId").GetString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_export_in_protobuf_is_answered_in_protobuf_and_stores_the_same(bool gzip)
    {
        var acme = await app.Org("acme");
        var span = Chat(Start, "s-1", ["Where is it?"], "On its way.");

        var answer = await Post(acme, OtlpExports.Content(OtlpExports.Protobuf(span), OtlpBody.Protobuf, gzip));

        Assert.Equal(("application/x-protobuf", ""), (answer.Is(200).Header("Content-Type"), answer.Body));
        Assert.Equal(["user: Where is it?", "assistant: On its way."], Said(await Messages(acme, "s-1")));
        Assert.Equal(2, await acme.Count("messages"));
    }

    [Fact]
    public async Task The_organization_is_the_key_s_whatever_way_the_key_comes()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var key = await acme.Key();
        var basic = Convert.ToBase64String(Encoding.UTF8.GetBytes($"anything:{key}"));
        (string, string)[] ways =
            [("x-organization-api-key", key), ("Authorization", $"Bearer {key}"), ("Authorization", $"Basic {basic}")];
        string[] paths = ["/v1/traces", "/otel/v1/traces", "/api/public/otel/v1/traces"];

        foreach (var ((header, value), path) in ways.Zip(paths))
        {
            var span = Chat(Start, path, ["a"], "b");
            (await app.Stranger.Send(HttpMethod.Post, path, OtlpExports.Content(Encoding.UTF8.GetBytes(OtlpExports.Export(span)),
                "application/json"), request => request.Headers.TryAddWithoutValidation(header, value))).Is(200);
        }

        Assert.Equal((3, 6, 0), (await acme.Count("chats"), await acme.Count("messages"), await globex.Count("chats")));
        foreach (var wrong in new[] { "Basic !", $"Basic {Convert.ToBase64String("a:b"u8)}", "Bearer x", "Basic " })
        {
            var refused = await app.Stranger.Send(HttpMethod.Post, "/v1/traces", OtlpExports.Content("{}"u8.ToArray(), "application/json"),
                request => request.Headers.TryAddWithoutValidation("Authorization", wrong));
            Assert.Equal((401, "ApiKey", 16), (refused.Status, refused.Header("WWW-Authenticate"), refused["code"].GetInt32()));
        }
    }

    [Fact]
    public async Task Spans_are_taken_or_rejected_one_by_one()
    {
        var acme = await app.Org("acme");
        var good = Chat(Start, "good", ["q"], "a");
        var old = Chat(Start.AddDays(-4), "old", ["q"], "a");
        var nameless = OtlpExports.Chat(new string('0', 32), OtlpExports.SpanId(), Start, "nameless", ["q"], "a");
        var large = Chat(Start, "large", ["q"], new string('x', 300_000));
        var other = OtlpExports.Span(OtlpExports.TraceId(), OtlpExports.SpanId(), Start, ("http.request.method", "GET"));
        var nul = Chat(Start, "nul", ["a\0b"], "a");

        var answer = (await Send(acme, good, old, nameless, large, other, nul)).Is(200);

        Assert.Equal("3", answer["partialSuccess"].GetProperty("rejectedSpans").GetString());
        Assert.Contains("72 hours", answer["partialSuccess"].GetProperty("errorMessage").GetString(), StringComparison.Ordinal);
        Assert.Equal(["user: q", "assistant: a"], Said(await Messages(acme, "good")));
        Assert.Equal(["user: q"], Said(await Messages(acme, "large")));
        Assert.Equal("a\uFFFDb", (await Messages(acme, "nul"))[0].GetProperty("content").GetString());
        Assert.Equal(3, await acme.Count("chats"));
    }

    [Theory]
    // Half of a surrogate pair in a tag, and in the name of a member of a part.
    [InlineData("tag.tags", """["\ud83d"]""", 0)]
    [InlineData("gen_ai.output.messages", """[{"role":"assistant","content":[{"type":"image","z\ud83d":1}]}]""", 1)]
    // A name that is followed step by step, of many thousands of steps.
    [InlineData("gen_ai.completion.0.", "x", 1)]
    public async Task An_attribute_that_cannot_be_read_takes_no_other_span_with_it(string name, string value, int rejected)
    {
        var acme = await app.Org("acme");
        if (name.EndsWith('.'))
            name += string.Join('.', Enumerable.Repeat("a", 60_000));
        var bad = OtlpExports.Span(
            OtlpExports.TraceId(),
            OtlpExports.SpanId(),
            Start,
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.conversation.id", "bad"),
            ("gen_ai.input.messages", """[{"role":"user","content":"q"}]"""),
            (name, value));

        var answer = (await Send(acme, bad, Chat(Start, "good", ["q"], "a"))).Is(200);

        Assert.Equal(rejected > 0, answer.Body.Contains("\"rejectedSpans\":\"1\"", StringComparison.Ordinal));
        Assert.Equal(["user: q", "assistant: a"], Said(await Messages(acme, "good")));
    }

    [Fact]
    public async Task A_call_of_more_messages_than_a_model_reads_is_rejected_by_itself()
    {
        var acme = await app.Org("acme");
        var endless = Chat(Start, "endless", [.. Enumerable.Repeat("x", 10_001)], null);

        var answer = (await Send(acme, endless, Chat(Start, "good", ["q"], "a"))).Is(200);

        Assert.Equal("1", answer["partialSuccess"].GetProperty("rejectedSpans").GetString());
        Assert.Contains("10,000 messages", answer.Body, StringComparison.Ordinal);
        Assert.Equal((1, 2), (await acme.Count("chats"), await acme.Count("messages")));
    }

    [Fact]
    public async Task Calls_without_content_are_told_which_switch_to_turn_on()
    {
        var acme = await app.Org("acme");

        var answer = await Send(
            acme, OtlpExports.Span(OtlpExports.TraceId(), OtlpExports.SpanId(), Start, ("gen_ai.operation.name", "chat")));

        var said = answer.Is(200)["partialSuccess"];
        Assert.Equal("0", said.GetProperty("rejectedSpans").GetString());
        Assert.Contains("GENAI_CAPTURE_MESSAGE_CONTENT", said.GetProperty("errorMessage").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task Errors_are_those_of_the_protocol()
    {
        var acme = await app.Org("acme");

        Assert.Equal(3, (await Post(acme, OtlpExports.Content("{"u8.ToArray(), "application/json"))).Is(400)["code"].GetInt32());
        var array = (await Post(acme, OtlpExports.Content("[]"u8.ToArray(), "application/json"))).Is(400);
        Assert.Equal((3, "body: The body must be a JSON object."), (array["code"].GetInt32(), array.Text("message")));
        var broken = (await Post(acme, OtlpExports.Content([0xFF, 0xFF, 0xFF], OtlpBody.Protobuf))).Is(400);
        Assert.Equal(OtlpBody.Protobuf, broken.Header("Content-Type"));
        (await Post(acme, OtlpExports.Content("{}"u8.ToArray(), "text/plain"))).Is(415);
        var large = OtlpExports.Content(new byte[21 * 1024 * 1024], OtlpBody.Protobuf);
        Assert.Equal(OtlpBody.Protobuf, (await Post(acme, large)).Is(413).Header("Content-Type"));
        (await Post(acme, OtlpExports.Content(new byte[21 * 1024 * 1024], OtlpBody.Protobuf, gzip: true))).Is(413);
        (await Post(acme, OtlpExports.Content("{}"u8.ToArray(), "application/json"))).Is(200);
        Assert.Equal(0, await acme.Count("chats"));
    }

    private static JsonObject Chat(DateTimeOffset start, string conversation, string[] input, string? output) =>
        OtlpExports.Chat(OtlpExports.TraceId(), OtlpExports.SpanId(), start, conversation, input, output);

    private static string? Content(JsonElement message) => message.GetProperty("content").GetString();

    private static async Task<Answer> Send(Org org, params JsonObject[] spans) =>
        await (await org.Plugin()).Post("/v1/traces", OtlpExports.Export(spans));

    private static async Task<Answer> Post(Org org, HttpContent content) =>
        await (await org.Plugin()).Send(HttpMethod.Post, "/v1/traces", content);

    internal static async Task<JsonElement[]> Messages(Org org, string externalId)
    {
        var reader = org.App.Stranger.WithKey(await org.Key(KeyScope.Read, KeyScope.Ingest));
        var chats = (await reader.Get($"{org.ApiPath}/chats?externalId={Uri.EscapeDataString(externalId)}")).Is(200)["items"];
        var chat = Assert.Single(chats.EnumerateArray()).GetProperty("id").GetString();
        var messages = (await reader.Get($"{org.ApiPath}/chats/{chat}/messages?limit=200")).Is(200)["items"];
        return [.. messages.EnumerateArray()];
    }

    internal static IEnumerable<string> Said(IEnumerable<JsonElement> messages) =>
        messages.Select(message => $"{message.GetProperty("role").GetString()}: {message.GetProperty("content").GetString()}");
}
