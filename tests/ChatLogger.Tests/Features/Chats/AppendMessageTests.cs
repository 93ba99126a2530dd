using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

public class AppendMessageTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task A_plugin_adds_a_message_with_every_field()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();

        var answer = await (await acme.Plugin()).Post(
            $"{acme.ApiPath}/chats/{chat}/messages",
            """
            { "role": "assistant", "content": "  It left on Monday.\r\n", "metadata": { "b": [1, 2.50], "a": "é" },
              "latencyMs": 840, "tokenCount": 31, "promptTokens": 20, "completionTokens": 11, "model": "small-1" }
            """);

        answer.Is(201);
        var id = answer.Text("id");
        Assert.Equal($"{acme.ApiPath}/chats/{chat}/messages/{id}", answer.Header("Location"));
        Assert.Equal(
            [
                "id",
                "chatId",
                "role",
                "content",
                "parts",
                "toolCalls",
                "toolCallId",
                "name",
                "metadata",
                "latencyMs",
                "tokenCount",
                "promptTokens",
                "completionTokens",
                "model",
                "createdAt",
                "feedback",
            ],
            answer.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(chat, answer.Text("chatId"));
        Assert.Equal("  It left on Monday.\r\n", answer.Text("content"));
        Assert.Equal("""{"b":[1,2.50],"a":"é"}""", answer["metadata"].GetRawText());
        Assert.Equal(
            1,
            await app.Value<long>(
                """
                select count(*) from messages
                where org_id = @Id and chat_id = @Chat::uuid and id = @Message::uuid and role = 'assistant'
                    and content = E'  It left on Monday.\r\n'
                  and latency_ms = 840 and token_count = 31 and prompt_tokens = 20 and completion_tokens = 11 and model = 'small-1'
                """,
                new
                {
                    acme.Id,
                    Chat = chat,
                    Message = id,
                }));
    }

    [Theory]
    [InlineData("user")]
    [InlineData("assistant")]
    [InlineData("system")]
    [InlineData("developer")]
    [InlineData("tool")]
    [InlineData("function")]
    public async Task Every_message_role_is_taken_and_the_rest_may_be_left_out(string role)
    {
        var acme = await app.Org("acme");

        var answer = await (await acme.Plugin()).Post($"{acme.ApiPath}/chats/{await acme.Chat()}/messages", new { role, content = "x" });

        answer.Is(201);
        Assert.Equal("{}", answer["metadata"].GetRawText());
        foreach (var member in new[] { "parts", "toolCalls", "toolCallId", "name" })
            Assert.Equal("null", answer[member].GetRawText());
        foreach (var member in new[] { "latencyMs", "tokenCount", "promptTokens", "completionTokens", "model", "feedback" })
            Assert.Equal("null", answer[member].GetRawText());
    }

    [Fact]
    public async Task A_chat_of_another_organization_does_not_exist_for_a_plugin()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var theirs = await globex.Chat();
        var plugin = await acme.Plugin();

        var foreign = await plugin.Post($"{acme.ApiPath}/chats/{theirs}/messages", new { role = "user", content = "hello" });
        var unknown = await plugin.Post($"{acme.ApiPath}/chats/{Guid.CreateVersion7()}/messages", new { role = "user", content = "hello" });
        var malformed = await plugin.Post(
            $"{acme.ApiPath}/chats/{theirs.ToUpperInvariant()}/messages",
            new { role = "user", content = "hello" });
        var throughTheirDoor = await plugin.Post($"{globex.ApiPath}/chats/{theirs}/messages", new { role = "user", content = "hello" });

        Assert.Equal(unknown.IsProblem(404, "not-found").Comparable, foreign.IsProblem(404, "not-found").Comparable);
        Assert.Equal(unknown.Comparable, malformed.IsProblem(404, "not-found").Comparable);
        throughTheirDoor.IsProblem(404, "not-found");
        Assert.Equal(0, await globex.Count("messages"));
        Assert.Equal(0, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_deleted_chat_refuses_writes()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });

        var answer = await (await acme.Plugin()).Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "hello" });

        answer.IsProblem(404, "not-found");
        Assert.Equal(0, await acme.Count("messages"));
    }

    [Theory]
    [InlineData("""{"content":"x"}""", "role")]
    [InlineData("""{"role":null,"content":"x"}""", "role")]
    [InlineData("""{"role":"User","content":"x"}""", "role")]
    [InlineData("""{"role":"user"}""", "content")]
    [InlineData("""{"role":"user","content":""}""", "content")]
    [InlineData("""{"role":"user","content":" \u00a0\u2003\n"}""", "content")]
    [InlineData("""{"role":"user","content":["x"]}""", "content")]
    [InlineData("""{"role":"user","content":"x","latencyMs":-1}""", "latencyMs")]
    [InlineData("""{"role":"user","content":"x","latencyMs":86400001}""", "latencyMs")]
    [InlineData("""{"role":"user","content":"x","latencyMs":"5"}""", "latencyMs")]
    [InlineData("""{"role":"user","content":"x","latencyMs":5.0}""", "latencyMs")]
    [InlineData("""{"role":"user","content":"x","tokenCount":10000001}""", "tokenCount")]
    [InlineData("""{"role":"user","content":"x","promptTokens":99999999999}""", "promptTokens")]
    [InlineData("""{"role":"user","content":"x","completionTokens":true}""", "completionTokens")]
    [InlineData("""{"role":"user","content":"x","model":1}""", "model")]
    [InlineData("""{"role":"user","content":"x","createdAt":"yesterday"}""", "createdAt")]
    [InlineData("""{"role":"user","content":"x","createdAt":"9999-01-01T00:00:00Z"}""", "createdAt")]
    [InlineData("""{"role":"user","content":"x","id":"0190a6e0-0000-7000-8000-000000000000"}""", "body")]
    [InlineData("""{"role":"user","content":"x","orgId":"0190a6e0-0000-7000-8000-000000000000"}""", "body")]
    public async Task Invalid_input_is_refused_and_writes_no_row(string body, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats/{await acme.Chat()}/messages", body)).IsInvalid(path);

        Assert.Equal(0, await acme.Count("messages"));
    }

    [Fact]
    public async Task Several_mistakes_are_reported_at_once()
    {
        var acme = await app.Org("acme");

        var answer = await (await acme.Plugin()).Post(
            $"{acme.ApiPath}/chats/{await acme.Chat()}/messages",
            new
            {
                role = "robot",
                content = " ",
                latencyMs = -1,
                model = new string('m', 101),
            });

        answer.IsInvalid("role").IsInvalid("content").IsInvalid("latencyMs").IsInvalid("model");
    }
}
