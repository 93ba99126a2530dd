using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>Many chats and messages in one request, each with a result of its own.</summary>
public partial class WriteBatchTests(DefaultDeadlineApp app) : IClassFixture<DefaultDeadlineApp>
{
    [Fact]
    public async Task Chats_and_their_messages_come_in_one_request()
    {
        var acme = await app.Org("acme");
        var old = await acme.Chat();

        var answer = await Send(
            acme,
            """{"type":"chat","ref":"a","title":" T ","tags":[" x "],"metadata":{"n":1.50},"externalUserId":"v-1"}""",
            """{"role":"user","content":"first","chatRef":"a","metadata":{"n":1.50},"type":"message","latencyMs":5}""",
            $$"""{"type":"message","chatId":"{{old}}","role":"tool","content":"there","ref":null,"model":"m"}""".Replace(
                "\"ref\":null,",
                "",
                StringComparison.Ordinal),
            """{"type":"chat"}""",
            """{"type":"message","chatRef":"a","role":"assistant","content":"second","promptTokens":1}""");

        Assert.Equal("application/json; charset=utf-8", answer.Is(207).Header("Content-Type"));
        Assert.Equal([201, 201, 201, 201, 201], Statuses(answer));
        Assert.Equal([0, 1, 2, 3, 4], answer["results"].EnumerateArray().Select(result => result.GetProperty("index").GetInt32()));
        Assert.All(answer["results"].EnumerateArray(), result =>
        {
            Assert.Equal(["index", "status", "id", "replayed", "problem"], result.EnumerateObject().Select(member => member.Name));
            Assert.False(result.GetProperty("replayed").GetBoolean());
            Assert.Equal(JsonValueKind.Null, result.GetProperty("problem").ValueKind);
        });
        var admin = await acme.Admin();
        var chat = (await admin.Get($"/orgs/me/chats/{Id(answer, 0)}")).Is(200);
        Assert.Equal((" T ", "x", "v-1"), (chat.Text("title"), chat["tags"][0].GetString(), chat.Text("externalUserId")));
        var messages = (await admin.Get($"/orgs/me/chats/{Id(answer, 0)}/messages")).Is(200)["items"];
        Assert.Equal([Id(answer, 1), Id(answer, 4)], messages.EnumerateArray().Select(message => message.GetProperty("id").GetString()));
        Assert.Equal("""{"n":1.50}""", messages[0].GetProperty("metadata").GetRawText());
        Assert.Equal(2, await acme.Count("chats") - 1);
        Assert.Equal(3, await acme.Count("messages"));
    }

    [Fact]
    public async Task Another_organization_s_chats_and_members_are_not_there()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (theirs, member) = (await globex.Chat(), (await globex.Member("user")).Id);

        var answer = await Send(
            acme,
            $$"""{"type":"message","chatId":"{{theirs}}","role":"user","content":"a"}""",
            $$"""{"type":"message","chatId":"{{Guid.CreateVersion7()}}","role":"user","content":"a"}""",
            $$"""{"type":"chat","userId":"{{member}}"}""",
            $$"""{"type":"chat","userId":"{{Guid.CreateVersion7()}}"}""");

        Assert.Equal([404, 404, 404, 404], Statuses(answer.Is(207)));
        Assert.Equal(Problem(answer, 0).GetRawText(), Problem(answer, 1).GetRawText());
        Assert.Equal(Problem(answer, 2).GetRawText(), Problem(answer, 3).GetRawText());
        Assert.Equal(0, await acme.Count("chats") + await acme.Count("messages") + await globex.Count("messages"));
        (await (await acme.Plugin()).Post($"{globex.ApiPath}/batch", """{"items":[{"type":"chat"}]}""")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task The_same_batch_again_writes_nothing_more_and_is_answered_the_same()
    {
        var acme = await app.Org("acme");
        string[] items =
        [
            """{"type":"chat","ref":"a","idempotencyKey":"k"}""",
            """{"type":"message","chatRef":"a","role":"user","content":"a","idempotencyKey":"k"}""",
            """{"type":"message","chatRef":"a","role":"user","content":"b","idempotencyKey":"\"l\""}""",
        ];

        var first = (await Send(acme, items)).Is(207);
        var second = (
            await Send(acme, [.. items, """{"type":"message","chatRef":"a","role":"user","content":"c","idempotencyKey":"l"}"""])
        ).Is(207);

        Assert.Equal([201, 201, 201], Statuses(first));
        Assert.Equal([201, 201, 201, 422], Statuses(second));
        Assert.Equal(
            [false, false, false],
            first["results"].EnumerateArray().Select(result => result.GetProperty("replayed").GetBoolean()));
        Assert.Equal(
            [true, true, true, false],
            second["results"].EnumerateArray().Select(result => result.GetProperty("replayed").GetBoolean()));
        for (var i = 0; i < 3; i++)
            Assert.Equal(Id(first, i), Id(second, i));
        Assert.Equal("idempotency-key-reused", Problem(second, 3).GetProperty("type").GetString());
        Assert.Equal(1, await acme.Count("chats"));
        Assert.Equal(2, await acme.Count("messages"));
    }

    [Fact]
    public async Task The_same_item_twice_in_a_batch_is_stored_once_and_another_body_is_refused()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        string Item(string content) =>
            $$"""{"type":"message","chatId":"{{chat}}","role":"user","content":"{{content}}","idempotencyKey":"k"}""";

        var answer = (
            await Send(
                acme,
                Item("a"),
                Item("a"),
                Item("b"),
                """{"type":"chat","idempotencyKey":"k"}""",
                """{"type":"chat","idempotencyKey":"k"}"""
            )
        ).Is(207);

        Assert.Equal([201, 201, 422, 201, 201], Statuses(answer));
        Assert.Equal(Id(answer, 0), Id(answer, 1));
        Assert.Equal(Id(answer, 3), Id(answer, 4));
        Assert.Equal(
            [false, true, false, false, true],
            answer["results"].EnumerateArray().Select(result => result.GetProperty("replayed").GetBoolean()));
        Assert.Equal(1, await acme.Count("messages"));

        // On the route for single messages it is another key.
        var alone = await (await acme.Plugin()).Send(
            HttpMethod.Post,
            $"{acme.ApiPath}/chats/{chat}/messages",
            Caller.Json("""{"role":"user","content":"a"}"""u8.ToArray()),
            request => request.Headers.Add("Idempotency-Key", "k"));
        Assert.Null(alone.Is(201).Header("Idempotent-Replayed"));
    }

    [Fact]
    public async Task Twenty_of_the_same_batch_at_once_on_two_instances_write_it_once()
    {
        var acme = await app.Org("acme");
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();
        var items = new[] { """{"type":"chat","ref":"a","idempotencyKey":"k"}""" }
            .Concat(
                Enumerable
                    .Range(0, 50)
                    .Select(i => $$"""{"type":"message","chatRef":"a","role":"user","content":"{{i}}","idempotencyKey":"k{{i}}"}"""))
            .ToArray();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() =>
            (i % 2 == 0 ? app : other).Stranger.WithKey(key).Post($"{acme.ApiPath}/batch", $"{{\"items\":[{string.Join(',', items)}]}}"))));
        await other.Stop();

        Assert.All(answers, answer => Assert.All(Statuses(answer.Is(207)), status => Assert.Equal(201, status)));
        Assert.Single(
            answers
                .Select(answer =>
                    string.Join(' ', answer["results"].EnumerateArray().Select(result => result.GetProperty("id").GetString())))
                .Distinct());
        Assert.Equal(1, await acme.Count("chats"));
        Assert.Equal(
            string.Join(' ', Enumerable.Range(0, 50)),
            await app.Value<string>("select string_agg(content, ' ' order by seq) from messages where org_id = @Id", new { acme.Id }));
    }

    private static async Task<Answer> Raw(
        Org org,
        byte[] body,
        string? encoding = null,
        string path = "/batch",
        Action<HttpRequestMessage>? change = null)
    {
        var content = Caller.Json(body);
        if (encoding is not null)
            content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        return await (await org.Plugin()).Send(HttpMethod.Post, $"{org.ApiPath}{path}", content, change ?? (_ => { }));
    }

    private static async Task<Answer> Send(Org org, params string[] items) => await Send(await org.Plugin(), org, items);

    private static Task<Answer> Send(Caller plugin, Org org, params string[] items) =>
        plugin.Post($"{org.ApiPath}/batch", $"{{\"items\":[{string.Join(',', items)}]}}");

    private static int[] Statuses(Answer answer) =>
        [.. answer["results"].EnumerateArray().Select(result => result.GetProperty("status").GetInt32())];

    private static string? Id(Answer answer, int index) => answer["results"][index].GetProperty("id").GetString();

    private static JsonElement Problem(Answer answer, int index) => answer["results"][index].GetProperty("problem");
}
