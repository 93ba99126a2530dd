using System.Text;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>Messages that consist of parts or tool calls.</summary>
public class MessageContentTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    // What a bot says in five turns, with every member that has to do with its content.
    private static readonly string[] Turns =
    [
        """{"role":"user","name":"ann","parts":[{"type":"text","text":"Is it this one?"},{"type":"image_url","image_url":{"url":"u"}}]}""",
        """{"role":"assistant","toolCalls":[{"id":"c1","name":"find","arguments":"{\"n\":1}"},{"id":"c2","name":"now","arguments":{}}]}""",
        """{"role":"tool","content":"{\"state\":\"sent\"}","toolCallId":"c1","name":"find"}""",
        """{"role":"tool","parts":[{"type":"text","text":"12:00"}],"toolCallId":"c2"}""",
        """{"role":"assistant","content":"One more.","toolCalls":[{"arguments":{"a":1.50,"b":[1e308,"é\u00e9"]},"name":"x","id":"c3"}]}""",
        """{"role":"function","content":"ok","toolCallId":"c3","name":"x"}""",
        """{"role":"assistant","content":"It is.","parts":[{"type":"reasoning","signature":"sIg","n":10000000000000000000001}]}""",
    ];

    private static readonly string[] Members = ["role", "content", "parts", "toolCalls", "toolCallId", "name"];

    [Theory]
    [InlineData("plugin")]
    [InlineData("member")]
    [InlineData("batch")]
    public async Task A_conversation_with_tools_is_read_in_the_shape_in_which_it_was_sent(string route)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var admin = await acme.Admin();
        if (route == "batch")
        {
            var items = Turns.Select(turn => $$"""{"type":"message","chatId":"{{chat}}",{{turn[1..]}}""");
            var answer = await (await acme.Plugin()).Post($"{acme.ApiPath}/batch", $$"""{"items":[{{string.Join(',', items)}}]}""");
            Assert.All(answer.Is(207)["results"].EnumerateArray(), result => Assert.Equal(201, result.GetProperty("status").GetInt32()));
        }
        else
        {
            foreach (var turn in Turns)
            {
                var answer = route == "plugin"
                    ? await (await acme.Plugin()).Post($"{acme.ApiPath}/chats/{chat}/messages", turn)
                    : await admin.Post($"/orgs/me/chats/{chat}/messages", turn);
                Assert.Equal(Shape(turn), Shape(answer.Is(201).Body));
            }
        }

        var read = (await admin.Get($"/orgs/me/chats/{chat}/messages")).Is(200)["items"].EnumerateArray().ToList();

        Assert.Equal(Turns.Select(Shape), read.Select(message => Shape(message.GetRawText())));
        Assert.Equal(
            4,
            await app.Value<long>(
                "select count(parts) + count(tool_calls) filter (where role = 'tool') + 1 from messages where org_id = @Id",
                new { acme.Id }));
    }

    [Fact]
    public async Task A_replay_answers_with_the_same_parts_and_tool_calls()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var path = $"{acme.ApiPath}/chats/{await acme.Chat()}/messages";
        const string Body = """
            {"role":"assistant","parts":[{"type":"text","text":"a"}],"toolCalls":[{"id":"c","name":"n","arguments":"x"}],"name":"bot"}
            """;

        var first = (await Send(Body)).Is(201);
        var again = (await Send(Body)).Is(201);

        Assert.Equal("true", again.Header("Idempotent-Replayed"));
        Assert.Equal(first.Body, again.Body);
        (await Send(Body.Replace("\"x\"", "\"y\"", StringComparison.Ordinal))).Is(422);
        Assert.Equal(1, await acme.Count("messages"));

        Task<Answer> Send(string body) => plugin.Send(
            HttpMethod.Post,
            path,
            Caller.Json(Encoding.UTF8.GetBytes(body)),
            request => request.Headers.TryAddWithoutValidation("Idempotency-Key", "k"));
    }

    [Theory]
    [InlineData("""{"role":"user","content":"","parts":[{"type":"image"}]}""", """null [{"type":"image"}] null""")]
    [InlineData("""{"role":"user","content":null,"parts":[{"type":"image"}]}""", """null [{"type":"image"}] null""")]
    [InlineData("""{"role":"assistant","content":" \n","toolCalls":[{"id":"c","name":"n","arguments":""}]}""",
        "\" \\n\" null [{\"id\":\"c\",\"name\":\"n\",\"arguments\":\"\"}]")]
    [InlineData("""{"role":"user","content":"a","parts":[],"toolCalls":[],"toolCallId":"","name":""}""", "\"a\" null null")]
    [InlineData("""{"role":"user","parts":[ { "type" : "x" , "a" : [ 1.0 , { } ] } ]}""", """null [{"type":"x","a":[1.0,{}]}] null""")]
    public async Task What_is_empty_is_null_and_the_rest_is_kept(string body, string kept)
    {
        var acme = await app.Org("acme");

        var answer = (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats/{await acme.Chat()}/messages", body)).Is(201);

        Assert.Equal(kept, string.Join(' ', new[] { "content", "parts", "toolCalls" }.Select(member => answer[member].GetRawText())));
        Assert.Equal("null", answer["toolCallId"].GetRawText());
    }

    [Theory]
    [InlineData("""{"role":"user"}""", "content", "Must say something, unless there are parts or toolCalls.")]
    [InlineData("""{"role":"user","parts":[]}""", "content", "Must say something, unless there are parts or toolCalls.")]
    [InlineData("""{"role":"user","parts":null,"content":" "}""", "content", "Must say something, unless there are parts or toolCalls.")]
    [InlineData("""{"role":"user","parts":{"type":"text"}}""", "parts", "Must be an array.")]
    [InlineData("""{"role":"user","parts":"text"}""", "parts", "Must be an array.")]
    [InlineData("""{"role":"user","parts":["text"]}""", "parts[0]", "Must be an object.")]
    [InlineData("""{"role":"user","parts":[null]}""", "parts[0]", "Must be an object.")]
    [InlineData("""{"role":"user","parts":[{"type":"a"},{"text":"a"}]}""", "parts[1].type", "Is required.")]
    [InlineData("""{"role":"user","parts":[{"type":null}]}""", "parts[0].type", "Must be a string of 1 to 64 characters.")]
    [InlineData("""{"role":"user","parts":[{"type":""}]}""", "parts[0].type", "Must be a string of 1 to 64 characters.")]
    [InlineData("""{"role":"user","parts":[{"type":"a","x":1,"x":2}]}""", "parts", "A key stands twice in the same object.")]
    [InlineData("""{"role":"user","parts":[{"type":"a","x":1e999}]}""",
        "parts", "A number must be a finite double of at most 64 characters.")]
    [InlineData("""{"role":"user","toolCalls":[{"id":"c","name":"n","arguments":""}]}""", "toolCalls",
        "Only a message with the role assistant calls tools.")]
    [InlineData("""{"role":"assistant","toolCalls":{}}""", "toolCalls", "Must be an array.")]
    [InlineData("""{"role":"assistant","toolCalls":[[]]}""", "toolCalls[0]", "Must be an object.")]
    [InlineData("""{"role":"assistant","toolCalls":[{"name":"n","arguments":""}]}""", "toolCalls[0].id", "Is required.")]
    [InlineData("""{"role":"assistant","toolCalls":[{"id":"c","arguments":""}]}""", "toolCalls[0].name", "Is required.")]
    [InlineData("""{"role":"assistant","toolCalls":[{"id":"c","name":"n"}]}""", "toolCalls[0].arguments", "Is required.")]
    [InlineData("""{"role":"assistant","toolCalls":[{"id":1,"name":"n","arguments":""}]}""", "toolCalls[0].id",
        "Must be a string of 1 to 128 characters.")]
    [InlineData("""{"role":"assistant","toolCalls":[{"id":"c","name":"","arguments":""}]}""", "toolCalls[0].name",
        "Must be a string of 1 to 128 characters.")]
    [InlineData("""{"role":"assistant","toolCalls":[{"id":"c","name":"n","arguments":[]}]}""", "toolCalls[0].arguments",
        "Must be a string or an object.")]
    [InlineData("""{"role":"assistant","toolCalls":[{"id":"c","name":"n","arguments":"","type":"function"}]}""", "toolCalls[0]",
        "There is a member that is not known here. Known are: id, name, arguments.")]
    [InlineData("""{"role":"assistant","toolCalls":[{"id":"c","name":"n","arguments":{"x":{"a":1,"a":2}}}]}""", "toolCalls",
        "A key stands twice in the same object.")]
    [InlineData("""{"role":"assistant","content":"a","toolCallId":"c"}""", "toolCallId",
        "Only a message with the role tool or function answers a call.")]
    [InlineData("""{"role":"user","content":"a","name":1}""", "name", "Must be a string.")]
    [InlineData("""{"role":"user","parts":[{"type":"a","x":"\u0000"}]}""", "parts", "The character NUL (U+0000) cannot be stored.")]
    [InlineData("""{"role":"assistant","toolCalls":[{"id":"c","name":"n","arguments":{"\ud800":1}}]}""", "toolCalls",
        "Half of a surrogate pair is not a character.")]
    public async Task Each_rule_has_its_sentence(string body, string path, string sentence)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var plugin = await acme.Plugin();

        var answer = (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", body)).IsInvalid(path);
        Assert.Equal(sentence, answer["errors"].GetProperty(path)[0].GetString());
        (await (await acme.Admin()).Post($"/orgs/me/chats/{chat}/messages", body)).IsInvalid(path);
        var item = (await plugin.Post(
            $"{acme.ApiPath}/batch", $$"""{"items":[{"type":"message","chatId":"{{chat}}",{{body[1..]}}]}""")).Is(207)["results"][0];
        Assert.Equal(sentence, item.GetProperty("problem").GetProperty("errors").GetProperty(path)[0].GetString());
        Assert.Equal(0, await acme.Count("messages"));
    }

    public static TheoryData<string, string?, string?> Borders => new()
    {
        { $$"""{"role":"user","content":"a","name":"{{string.Concat(Enumerable.Repeat("😀", 128))}}"}""", null, null },
        { $$"""{"role":"user","content":"a","name":"{{new string('n', 129)}}"}""", "name", "May have at most 128 characters." },
        { $$"""{"role":"tool","content":"a","toolCallId":"{{new string('n', 128)}}"}""", null, null },
        { $$"""{"role":"tool","content":"a","toolCallId":"{{new string('n', 129)}}"}""", "toolCallId", "May have at most 128 characters." },
        { $$"""{"role":"user","parts":[{"type":"{{new string('t', 64)}}"}]}""", null, null },
        { $$"""{"role":"user","parts":[{"type":"{{new string('t', 65)}}"}]}""",
            "parts[0].type", "Must be a string of 1 to 64 characters." },
        { Parts(100, """{"type":"a"}"""), null, null },
        { Parts(101, """{"type":"a"}"""), "parts", "May be at most 100." },
        { Parts(1, Nested(16)), null, null },
        { Parts(1, Nested(17)), "parts", "May nest at most 16 deep." },
        { Parts(4, Keys(256)), null, null },
        { Parts(5, Keys(205)), "parts", "May have at most 1024 keys in all." },
        { Calls(128, "{}"), null, null },
        { Calls(129, "{}"), "toolCalls", "May be at most 128." },
        { Calls(1, Nested(16)), null, null },
        { Calls(1, Nested(17)), "toolCalls", "May nest at most 16 deep." },
        { Calls(4, Keys(256)), null, null },
        { Calls(5, Keys(205)), "toolCalls", "May have at most 1024 keys in all." },
        { Calls(1, $$"""{"n":{{new string('1', 64)}}}"""), null, null },
        { Calls(1, $$"""{"n":{{new string('1', 65)}}}"""), "toolCalls", "A number must be a finite double of at most 64 characters." },
        { Sized(262_144), null, null },
        { Sized(262_145), "content", "May have at most 262144 bytes in UTF-8, together with parts and toolCalls." },
    };

    [Theory]
    [MemberData(nameof(Borders))]
    public async Task The_limits_are_where_they_are_said_to_be(string body, string? path, string? sentence)
    {
        var acme = await app.Org("acme");

        var answer = await (await acme.Plugin()).Post($"{acme.ApiPath}/chats/{await acme.Chat()}/messages", body);

        if (path is null)
            answer.Is(201);
        else
            Assert.Equal(sentence, answer.IsInvalid(path)["errors"].GetProperty(path)[0].GetString());
    }

    [Theory]
    [InlineData("""{"role":"user","parts":[{"type":"text","text":"one"},{"type":"image"},{"type":"text","text":"two"}]}""",
        "\"one\\n\\ntwo\"")]
    [InlineData("""{"role":"assistant","toolCalls":[{"id":"c","name":"n","arguments":""}]}""", "null")]
    [InlineData("""{"role":"user","content":"said","parts":[{"type":"text","text":"one"}]}""", "\"said\"")]
    public async Task The_preview_is_the_text_of_the_last_message(string body, string preview)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats/{chat}/messages", body)).Is(201);

        var list = (await (await acme.Admin()).Get("/orgs/me/chats")).Is(200);

        Assert.Equal(preview, list["items"][0].GetProperty("preview").GetRawText());
    }

    // The members that say something, as they are in the response; those that are null are left out.
    private static string Shape(string json)
    {
        var message = System.Text.Json.JsonDocument.Parse(json).RootElement;
        return string.Join('\n', Members
            .Where(member => message.TryGetProperty(member, out var value) && value.ValueKind != System.Text.Json.JsonValueKind.Null)
            .Select(member => message.GetProperty(member))
            .Select(value => value.ValueKind == System.Text.Json.JsonValueKind.String ? value.GetString() : value.GetRawText()));
    }

    private static string Parts(int count, string part) =>
        $$"""{"role":"user","parts":[{{string.Join(',', Enumerable.Repeat(part, count))}}]}""";

    private static string Calls(int count, string arguments)
    {
        var calls = Enumerable.Range(0, count).Select(i => $$"""{"id":"c{{i}}","name":"n","arguments":{{arguments}}}""");
        return $$"""{"role":"assistant","toolCalls":[{{string.Join(',', calls)}}]}""";
    }

    private static string Nested(int depth) =>
        $$"""{"type":"a","x":{{new StringBuilder().Insert(0, "[", depth - 1)}}{{new StringBuilder().Insert(0, "]", depth - 1)}}}""";

    private static string Keys(int count) =>
        $$"""{"type":"a",{{string.Join(',', Enumerable.Range(1, count - 1).Select(i => $"\"k{i}\":1"))}}}""";

    private static string Sized(int bytes)
    {
        const string Calls = """[{"id":"c","name":"n","arguments":""}]""";
        const string Part = """[{"type":"a"}]""";
        var content = "é" + new string('x', bytes - Calls.Length - Part.Length - 2);
        return $$"""{"role":"assistant","content":"{{content}}","parts":{{Part}},"toolCalls":{{Calls}}}""";
    }
}
