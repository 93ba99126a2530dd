using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Exports;

public partial class FormatTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    public static TheoryData<string> HostileTexts =>
        [
            "two\r\nlines",
            "line\nfeed",
            "carriage\rreturn",
            "a \"quoted\" word",
            "\"",
            "\"\"",
            "a,b;c\td|e",
            ",",
            " spaces ",
            "back\\slash \\u0041 \\",
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\tTAB",
            "\rCR",
            "\nLF",
            "＝1",
            "＋1",
            "－1",
            "＠1",
            "＂full-width, but no formula",
            "=\"a\",\"b\"\r\n",
            "😀 emoji 👩‍👩‍👧",
            "line\u2028separator\u2029",
            "\uFEFFBOM first",
            "BOM \uFEFF inside",
            "\u0001\u0008\u000b\u000c\u001f\u007f\u0085",
            "'already",
            "é \u0301 ü",
            "\U0010FFFF",
            "nul\\0",
            "<script>&amp;</script>",
        ];

    [Theory]
    [MemberData(nameof(HostileTexts))]
    public async Task Every_format_exports_every_text_unchanged(string text)
    {
        var acme = await app.Org("acme");
        var metadata = System.Text.Json.JsonSerializer.Serialize(new Dictionary<string, string> { [text] = text });
        var chat = await acme.InsertChat(text, [text, "second"], metadata, visitor: text);
        var message = await acme.InsertMessage(chat, text, "assistant", metadata, text);
        await acme.Rate(chat, message, "down", text);
        var cell = Safe(text);
        var tags = new[] { text, "second" };

        foreach (
            var exported in new[] { (await Exported.Of(acme, "json")).Json[0], Assert.Single((await Exported.Of(acme, "jsonl")).Lines) })
        {
            Assert.Equal(text, exported.GetProperty("title").GetString());
            Assert.Equal(text, exported.GetProperty("externalUserId").GetString());
            Assert.Equal(tags, exported.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()!));
            Assert.Equal(metadata, exported.GetProperty("metadata").GetRawText());
            var said = exported.GetProperty("messages")[0];
            Assert.Equal(text, said.GetProperty("content").GetString());
            Assert.Equal(text, said.GetProperty("model").GetString());
            Assert.Equal(metadata, said.GetProperty("metadata").GetRawText());
            Assert.Equal(text, said.GetProperty("feedback").GetProperty("comment").GetString());
        }

        var row = Assert.Single((await Exported.Of(acme, "csv")).Rows);
        Assert.Equal(cell, row["chatTitle"]);
        Assert.Equal(cell, row["externalUserId"]);
        Assert.Equal(cell, row["content"]);
        Assert.Equal(cell, row["model"]);
        Assert.Equal(metadata, row["metadata"]);
        Assert.Equal(tags, System.Text.Json.JsonSerializer.Deserialize<string[]>(row["chatTags"])!);

        var chatRow = Assert.Single((await Exported.Of(acme, "csv", "chats")).Rows);
        Assert.Equal(cell, chatRow["chatTitle"]);
        Assert.Equal(cell, chatRow["externalUserId"]);
        Assert.Equal($"assistant: {text}", chatRow["transcript"]);
        Assert.Equal(metadata, chatRow["metadata"]);

        var line = Assert.Single((await Exported.Of(acme, "openai-jsonl")).Lines);
        Assert.Equal(text, line.GetProperty("messages")[0].GetProperty("content").GetString());
    }

    [Fact]
    public async Task Json_has_the_shapes_of_the_api_with_all_their_members()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("user");
        var chat = await acme.InsertChat("Order", ["a,b", "say \"hi\""], """{"n":1.50}""", member.Id, "v-1");
        var message = await acme.InsertMessage(chat, "Hi", "assistant", """{"k":[1e308]}""", "gpt-5", 7);
        await acme.Rate(chat, chat, "up");
        await acme.Rate(chat, message, "down", "no");

        var text = (await Exported.Of(acme, "json")).Text;

        Assert.Equal(
            $$$"""
            [{"id":"{{{chat}}}","externalId":null,"title":"Order","tags":["a,b","say \"hi\""],"metadata":{"n":1.50},
            "userId":"{{{member.Id}}}","externalUserId":"v-1","createdAt":"2026-03-01T08:00:00.120Z","updatedAt":"2026-03-01T08:00:00.120Z",
            "feedback":{"rating":"up","comment":null,"at":"2026-03-01T08:00:00.120Z"},
            "messages":[{"id":"{{{message}}}","chatId":"{{{chat}}}","role":"assistant","content":"Hi",
            "parts":null,"toolCalls":null,"toolCallId":null,"name":null,"metadata":{"k":[1e308]},
            "latencyMs":7,"tokenCount":8,"promptTokens":9,"completionTokens":10,"model":"gpt-5",
            "createdAt":"2026-03-01T08:00:00.120Z","feedback":{"rating":"down","comment":"no","at":"2026-03-01T08:00:00.120Z"}}]}]
            """.ReplaceLineEndings(""),
            text);
        Assert.Equal(text[1..^1] + "\n", (await Exported.Of(acme, "jsonl")).Text);
    }

    [Fact]
    public async Task The_export_equals_the_responses_of_the_API()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat(new { title = "Order 😀", tags = new[] { "a" }, metadata = new { n = 1.5m }, externalUserId = "v" });
        await acme.Say(chat, "one");
        await acme.Say(chat, "two\u2028", "assistant");

        var exported = (await Exported.Of(acme, "json")).Json[0];

        var answered = (await admin.Get($"/orgs/me/chats/{chat}")).Is(200).Json;
        foreach (var member in answered.EnumerateObject().Where(member => exported.TryGetProperty(member.Name, out _)))
            Assert.Equal(member.Value.ToString(), exported.GetProperty(member.Name).ToString());
    }

    [Fact]
    public async Task Openai_lines_have_roles_and_contents_and_nothing_else()
    {
        var acme = await app.Org("acme");
        var chat = await acme.InsertChat("secret title");
        await acme.InsertMessage(chat, "Be kind.", "system");
        await acme.InsertMessage(chat, "Hi");
        await acme.InsertMessage(chat, "Hello", "assistant");

        Assert.Equal(
            """{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hi"},"""
                + """{"role":"assistant","content":"Hello"}]}"""
                + "\n",
            (await Exported.Of(acme, "openai-jsonl")).Text);
    }

    [Theory]
    [InlineData("json", null, "[]")]
    [InlineData("jsonl", null, "")]
    [InlineData("openai-jsonl", null, "")]
    [InlineData("csv", null, MessageColumns + "\r\n")]
    [InlineData("csv", "messages", MessageColumns + "\r\n")]
    [InlineData("csv", "chats", ChatColumns + "\r\n")]
    public async Task Of_an_empty_organization_there_is_a_whole_file_without_rows(string format, string? layout, string text)
    {
        var acme = await app.Org("acme");

        var exported = await Exported.Of(acme, format, layout);

        Assert.Equal(text, exported.Text);
        Assert.Equal((0, 0), exported.Progress[^1]);
    }

    [Fact]
    public async Task A_chat_without_anything_in_it_is_a_chat()
    {
        var acme = await app.Org("acme");
        var first = await acme.InsertChat();
        var second = await acme.InsertChat(at: Rows.Morning.AddDays(1));
        await acme.InsertMessage(second);

        var json = (await Exported.Of(acme, "json")).Json[0];
        foreach (var member in new[] { "externalId", "title", "userId", "externalUserId", "feedback" })
            Assert.Equal("null", json.GetProperty(member).GetRawText());
        Assert.Equal("[]", json.GetProperty("tags").GetRawText());
        Assert.Equal("[]", json.GetProperty("messages").GetRawText());
        Assert.Equal(2, (await Exported.Of(acme, "jsonl")).Lines.Count);
        Assert.Equal("", (await Exported.Of(acme, "openai-jsonl")).Text);
        var message = Assert.Single((await Exported.Of(acme, "csv")).Rows);
        Assert.Equal(second.ToString(), message["chatId"]);
        Assert.All(
            ["chatTitle", "userId", "externalUserId", "model", "latencyMs", "tokenCount", "rating"],
            column => Assert.Equal("", message[column]));
        var chats = (await Exported.Of(acme, "csv", "chats")).Rows;
        Assert.Equal([first.ToString(), second.ToString()], chats.Select(row => row["chatId"]));
        Assert.Equal(["0", "1"], chats.Select(row => row["messageCount"]));
        Assert.Equal(["", "user: Hello"], chats.Select(row => row["transcript"]));
        Assert.Equal("", chats[0]["firstMessageAt"]);
    }

    [Fact]
    public async Task Line_breaks_between_the_tokens_of_stored_metadata_do_not_break_a_line()
    {
        var acme = await app.Org("acme");
        await acme.InsertChat(metadata: "{\r\n \"a\": 1\n}");

        Assert.Equal(1, Assert.Single((await Exported.Of(acme, "jsonl")).Lines).GetProperty("metadata").GetProperty("a").GetInt32());
    }

    private static string Safe(string text) => "=+-@\t\r\n＝＋－＠".Contains(text[0], StringComparison.Ordinal) ? "'" + text : text;
}
