using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Exports;

/// <summary>Parts and tool calls in every format.</summary>
public class ContentFormatTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private const string Calls =
        """[{"id":"c1","name":"find","arguments":"{\"n\":1}"},{"id":"c2","name":"now","arguments":{"z":[1.50]}}]""";

    private static readonly string[] Turns =
    [
        """{"role":"user","name":"ann","parts":[{"type":"text","text":"Which \"one\"?"},{"type":"text","text":"é\u00e9"}]}""",
        $$"""{"role":"assistant","toolCalls":{{Calls}}}""",
        """{"role":"tool","content":"sent","toolCallId":"c2","name":"now"}""",
        """{"role":"function","parts":[{"type":"text","text":"found"}],"toolCallId":"c1"}""",
        """{"role":"assistant","content":"It is.","parts":[{"type":"reasoning","text":"hidden"}]}""",
    ];

    [Fact]
    public async Task Json_has_the_members_as_the_api_has_them()
    {
        var acme = await app.Org("acme");
        var chat = await Log(acme, Turns);

        var exported = (await Exported.Of(acme, "jsonl")).Text;
        var answered = await (await acme.Admin()).Get($"/orgs/me/chats/{chat}/messages");

        Assert.EndsWith($"\"messages\":{answered.Is(200)["items"].GetRawText()}}}\n", exported, StringComparison.Ordinal);
        Assert.Equal($"[{exported[..^1]}]", (await Exported.Of(acme, "json")).Text);
    }

    [Fact]
    public async Task Csv_of_messages_has_the_text_and_the_json()
    {
        var acme = await app.Org("acme");
        await Log(acme, Turns);

        var rows = (await Exported.Of(acme, "csv")).Rows;

        Assert.Equal(["Which \"one\"?\n\néé", "", "sent", "found", "It is."], rows.Select(row => row["content"]));
        Assert.Equal(["ann", "", "now", "", ""], rows.Select(row => row["name"]));
        Assert.Equal(["", "", "c2", "c1", ""], rows.Select(row => row["toolCallId"]));
        Assert.Equal(Calls, rows[1]["toolCalls"]);
        Assert.Equal("""[{"type":"text","text":"Which \"one\"?"},{"type":"text","text":"é\u00e9"}]""", rows[0]["parts"]);
        Assert.Equal("""[{"type":"reasoning","text":"hidden"}]""", rows[4]["parts"]);
    }

    [Fact]
    public async Task Csv_of_chats_shows_calls_as_calls()
    {
        var acme = await app.Org("acme");
        await Log(acme, [.. Turns,
            """{"role":"assistant","content":"Wait.","toolCalls":[{"id":"c3","name":"stop \"now\"","arguments":""}]}"""]);

        Assert.Equal(
            """
            user: Which "one"?

            éé

            assistant: find({"n":1})
            now({"z":[1.50]})

            tool: sent

            function: found

            assistant: It is.

            assistant: Wait.
            stop "now"()
            """.ReplaceLineEndings("\n"),
            Assert.Single((await Exported.Of(acme, "csv", "chats")).Rows)["transcript"]);
    }

    [Fact]
    public async Task Openai_lines_have_calls_and_their_answers()
    {
        var acme = await app.Org("acme");
        await Log(acme, Turns);

        var exported = await Exported.Of(acme, "openai-jsonl");

        Assert.Equal(
            """
            {"messages":[
            {"role":"user","content":[{"type":"text","text":"Which \"one\"?"},{"type":"text","text":"é\u00e9"}],"name":"ann"},
            {"role":"assistant","content":null,"tool_calls":[
            {"id":"c1","type":"function","function":{"name":"find","arguments":"{\"n\":1}"}},
            {"id":"c2","type":"function","function":{"name":"now","arguments":"{\"z\":[1.50]}"}}]},
            {"role":"tool","tool_call_id":"c2","content":"sent"},
            {"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"found"}]},
            {"role":"assistant","content":"It is."}]}

            """.ReplaceLineEndings("\n").Replace("\n{\"role", "{\"role", StringComparison.Ordinal)
                .Replace("\n{\"id", "{\"id", StringComparison.Ordinal),
            exported.Text);
        Assert.Equal(0, exported.Skipped);
        Trainer.Accepts(exported.Text);
    }

    [Theory]
    [InlineData("user", """{"type":"image_url","image_url":{"url":"u","detail":"low"},"cache":1}""",
        """[{"type":"image_url","image_url":{"url":"u","detail":"low"}}]""")]
    [InlineData("user", """{"type":"image_url","image_url":"u"}""", """[{"type":"image_url","image_url":{"url":"u"}}]""")]
    [InlineData("user", """{"input_audio":{"data":"x","format":"wav"},"type":"input_audio"}""",
        """[{"type":"input_audio","input_audio":{"data":"x","format":"wav"}}]""")]
    [InlineData("user", """{"type":"file","file":{"file_id":"f"}}""", """[{"type":"file","file":{"file_id":"f"}}]""")]
    [InlineData("user", """{"type":"input_text","text":"a\u0041"}""", """[{"type":"text","text":"a\u0041"}]""")]
    [InlineData("user", """{"type":"text","content":"a"}""", """[{"type":"text","text":"a"}]""")]
    [InlineData("user", """{"type":"image_url","image_url":1},{"type":"chart","n":1},{"type":"text","text":"a"}""",
        """[{"type":"text","text":"a"}]""")]
    [InlineData("system", """{"type":"image_url","image_url":{"url":"u"}},{"type":"text","text":"a"}""",
        """[{"type":"text","text":"a"}]""")]
    [InlineData("assistant", """{"type":"refusal","refusal":"No."}""", """[{"type":"refusal","refusal":"No."}]""")]
    public async Task Openai_lines_have_the_parts_that_are_known_there(string role, string parts, string content)
    {
        var acme = await app.Org("acme");
        await Log(acme, [$$"""{"role":"{{role}}","parts":[{{parts}}]}""", """{"role":"assistant","content":"Yes."}"""]);

        var exported = await Exported.Of(acme, "openai-jsonl");

        Assert.Equal(content, Assert.Single(exported.Lines).GetProperty("messages")[0].GetProperty("content").GetRawText());
        Assert.Equal(0, exported.Skipped);
        Trainer.Accepts(exported.Text);
    }

    // The turns, the roles that are left of them, and how much is left out.
    [Theory]
    // An answer without its call, and one that comes too late.
    [InlineData("""{TOOL1},{SAY}""", "assistant", 1)]
    [InlineData("""{"role":"tool","content":"x"},{"role":"function","content":"x","name":"n"},{SAY}""", "assistant", 2)]
    [InlineData("""{"role":"assistant","content":"a","toolCalls":[C1]},{ASK},{TOOL1}""",
        "assistant user", 2)]
    // The last message may call without an answer; but not beside one with an answer, nor in the middle.
    [InlineData("""{"role":"assistant","content":"a","toolCalls":[C1,C2]}""", "assistant+c1+c2", 0)]
    [InlineData("""{ASK},{"role":"assistant","toolCalls":[C1,C1]}""", "user assistant+c1", 1)]
    [InlineData("""{"role":"assistant","toolCalls":[C1,C2]},{TOOL2}""", "assistant+c2 tool", 1)]
    [InlineData("""{"role":"assistant","toolCalls":[C1]},{SAY}""", "assistant", 1)]
    // Two answers to one call, two calls with one id, an empty answer.
    [InlineData("""{"role":"assistant","toolCalls":[C1]},{TOOL1},{TOOL1}""",
        "assistant+c1 tool", 1)]
    [InlineData("""{"role":"assistant","toolCalls":[C1,C1]},{TOOL1}""", "assistant+c1 tool", 1)]
    [InlineData("""{"role":"assistant","toolCalls":[C1]},{"role":"tool","parts":[{"type":"image"}],"toolCallId":"c1"}""",
        "assistant+c1 tool", 0)]
    // Nothing that a trainer reads.
    [InlineData("""{"role":"user","parts":[{"type":"chart"}]},{SAY}""", "assistant", 1)]
    // No message of the assistant is left: the chat counts as one.
    [InlineData("""{ASK},{"role":"assistant","toolCalls":[C1]},{"role":"user","parts":[{"type":"chart"}]}""", null, 1)]
    [InlineData("""{"role":"assistant","parts":[{"type":"chart"}]}""", null, 1)]
    [InlineData("""{ASK},{TOOL1}""", null, 1)]
    // The first message of the assistant that is left is not the first one.
    [InlineData("""{ASK},{"role":"assistant","toolCalls":[C1]},{"role":"assistant","parts":[{"type":"text","text":"a"}]}""",
        "user assistant", 1)]
    public async Task Openai_lines_leave_out_what_a_trainer_refuses(string turns, string? roles, int skipped)
    {
        var acme = await app.Org("acme");
        turns = turns
            .Replace("SAY", "\"role\":\"assistant\",\"content\":\"a\"", StringComparison.Ordinal)
            .Replace("ASK", "\"role\":\"user\",\"content\":\"u\"", StringComparison.Ordinal)
            .Replace("TOOL1", "\"role\":\"tool\",\"content\":\"x\",\"toolCallId\":\"c1\"", StringComparison.Ordinal)
            .Replace("TOOL2", "\"role\":\"tool\",\"content\":\"x\",\"toolCallId\":\"c2\"", StringComparison.Ordinal)
            .Replace("C1", """{"id":"c1","name":"n","arguments":"{}"}""", StringComparison.Ordinal)
            .Replace("C2", """{"id":"c2","name":"n","arguments":"{}"}""", StringComparison.Ordinal);
        var chat = await acme.Chat();
        var items = turns.Replace("{\"role\"", $"{{\"type\":\"message\",\"chatId\":\"{chat}\",\"role\"", StringComparison.Ordinal);
        var answer = (await (await acme.Plugin()).Post($"{acme.ApiPath}/batch", $$"""{"items":[{{items}}]}""")).Is(207);
        Assert.All(answer["results"].EnumerateArray(), result => Assert.Equal(201, result.GetProperty("status").GetInt32()));

        var exported = await Exported.Of(acme, "openai-jsonl");

        var lines = exported.Lines.Select(line => string.Join(' ', line.GetProperty("messages").EnumerateArray().Select(message =>
            message.GetProperty("role").GetString() + string.Concat(
                message.TryGetProperty("tool_calls", out var calls)
                    ? calls.EnumerateArray().Select(call => "+" + call.GetProperty("id").GetString())
                    : []))));
        Assert.Equal(roles is null ? [] : [roles], lines);
        Assert.Equal(skipped, exported.Skipped);
        Assert.Equal((exported.Lines.Count, exported.Lines.Count), exported.Progress[^1]);
        Trainer.Accepts(exported.Text);
    }

    [Theory]
    [InlineData("ann_1", "\"ann_1\"")]
    [InlineData("Ann Lee", null)]
    [InlineData("é", null)]
    public async Task A_name_that_openai_does_not_accept_is_left_out(string name, string? kept)
    {
        var acme = await app.Org("acme");
        await Log(acme, [$$"""{"role":"user","content":"u","name":"{{name}}"}""",
            $$"""{"role":"assistant","toolCalls":[{"id":"c","name":"{{name}}","arguments":"{}"}]}""",
            """{"role":"tool","content":"x","toolCallId":"c"}"""]);

        var exported = await Exported.Of(acme, "openai-jsonl");

        var message = exported.Lines[0].GetProperty("messages")[0];
        Assert.Equal(kept, message.TryGetProperty("name", out var value) ? value.GetRawText() : null);
        Trainer.Accepts(exported.Text);
    }

    private static async Task<string> Log(Org org, IEnumerable<string> turns)
    {
        var chat = await org.Chat();
        foreach (var turn in turns)
            (await (await org.Plugin()).Post($"{org.ApiPath}/chats/{chat}/messages", turn)).Is(201);
        return chat;
    }
}
