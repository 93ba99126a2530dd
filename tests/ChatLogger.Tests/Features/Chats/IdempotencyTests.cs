namespace ChatLogger.Tests.Features.Chats;

/// <summary>A repeated request with the same Idempotency-Key is answered with what the first one created.</summary>
public partial class IdempotencyTests(App app) : IClassFixture<App>
{
    private const string Message = """{"role":"user","content":"a"}""";

    [Theory]
    [InlineData("abc")]
    [InlineData("\"abc\"")]
    [InlineData("8f1c2a52-5e0b-4f6d-9c7e-0a1b2c3d4e5f")]
    [InlineData("a b,c;d=e/~!")]
    public async Task A_message_sent_twice_with_one_key_is_stored_once(string key)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();

        var first = await Say(acme, chat, key);
        var second = await Say(acme, chat, key);

        Assert.Null(first.Is(201).Header("Idempotent-Replayed"));
        Assert.Equal("true", second.Is(201).Header("Idempotent-Replayed"));
        Assert.Equal(first.Body, second.Body);
        Assert.Equal(first.Header("Location"), second.Header("Location"));
        Assert.Equal(1, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_chat_created_twice_with_one_key_is_stored_once()
    {
        var acme = await app.Org("acme");
        const string body = """{"title":"t","tags":["a\"b","c\\d","{,}","é😀"],"metadata":{"n":1.50},"externalUserId":"v-1"}""";

        var first = await Open(acme, "k", body);
        var second = await Open(acme, "k", body);

        Assert.Null(first.Is(201).Header("Idempotent-Replayed"));
        Assert.Equal("true", second.Is(201).Header("Idempotent-Replayed"));
        Assert.Equal(first.Body, second.Body);
        Assert.Equal(1, await acme.Count("chats"));
    }

    [Fact]
    public async Task Quoted_and_bare_are_the_same_key()
    {
        var acme = await app.Org("acme");

        (await Open(acme, """a"b\c""")).Is(201);

        Assert.Equal("true", (await Open(acme, """
            "a\"b\\c"
            """)).Is(201).Header("Idempotent-Replayed"));
        Assert.Equal(1, await acme.Count("chats"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\"\"")]
    [InlineData("\"abc")]
    [InlineData("\"abc\" ;x")]
    [InlineData("\"ab\"c\"")]
    [InlineData("\"ab\\c\"")]
    [InlineData("\"abc\\\"")]
    [InlineData("a\tb")]
    [InlineData("256")]
    public async Task An_invalid_key_is_refused_and_writes_no_row(string key)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();

        (await Say(acme, chat, key == "256" ? new string('k', 256) : key)).IsInvalid("idempotencyKey");
        (await Open(acme, key == "256" ? $"\"{new string('k', 256)}\"" : key)).IsInvalid("idempotencyKey");

        Assert.Equal(0, await acme.Count("messages"));
        Assert.Equal(1, await acme.Count("chats"));
        Assert.Equal(0, await acme.Count("idempotency_keys"));
        (await Open(acme, new string('k', 255))).Is(201);
    }

    [Fact]
    public async Task Two_keys_are_one_too_many()
    {
        var acme = await app.Org("acme");

        var answer = await Wire.Send(
            app.Address,
            $"POST {acme.ApiPath}/chats HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-organization-api-key: "
                + $"{(await acme.Plugin()).Credential}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nIdempotency-Key: "
                + $"a\r\nIdempotency-Key: b\r\n\r\n{{}}");

        answer.IsInvalid("idempotencyKey");
        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task Another_body_under_the_same_key_is_a_mistake()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        (await Say(acme, chat, "k")).Is(201);
        (await Open(acme, "k")).Is(201);

        (await Say(acme, chat, "k", """{"role":"user","content":"b"}""")).IsProblem(422, "idempotency-key-reused");
        (await Open(acme, "k", """{"title":"b"}""")).IsProblem(422, "idempotency-key-reused");

        Assert.Equal(1, await acme.Count("messages"));
        Assert.Equal(2, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_key_is_one_only_within_its_organization_route_and_chat()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (first, second, theirs) = (await acme.Chat(), await acme.Chat(), await globex.Chat());

        foreach (
            var answer in new[]
            {
                await Say(acme, first, "k"),
                await Say(acme, second, "k"),
                await Say(globex, theirs, "k"),
                await Open(acme, "k"),
                await Open(globex, "k"),
                await Say(acme, first, "K"),
            })
            Assert.Null(answer.Is(201).Header("Idempotent-Replayed"));

        Assert.Equal(3, await acme.Count("messages"));
        Assert.Equal(1, await globex.Count("messages"));
    }

    [Fact]
    public async Task Only_what_succeeded_is_remembered()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var member = (await acme.Member("user")).Id;
        await app.Execute("update users set removed_at = now(), email = null, password_hash = null where id = @member", new { member });

        (await Say(acme, chat, "k", """{"role":"user","content":" "}""")).Is(400);
        (await Say(acme, Guid.CreateVersion7().ToString(), "k")).Is(404);
        (await Open(acme, "k", $$"""{"userId":"{{member}}"}""")).Is(404);
        Assert.Equal(0, await acme.Count("idempotency_keys"));

        Assert.Null((await Say(acme, chat, "k")).Is(201).Header("Idempotent-Replayed"));
        Assert.Null((await Open(acme, "k")).Is(201).Header("Idempotent-Replayed"));
    }

    [Fact]
    public async Task A_replayed_response_has_the_current_state()
    {
        var acme = await app.Org("acme");
        var member = (await acme.Member("user")).Id;
        var body = $$"""{"title":"old","userId":"{{member}}"}""";
        var chat = (await Open(acme, "k", body)).Is(201).Text("id");
        var message = (await Say(acme, chat, "k")).Is(201).Text("id");
        await app.Execute("update chats set title = 'new' where org_id = @Id", new { acme.Id });
        await app.Execute(
            "insert into feedback (org_id, target_id, chat_id, rating, at) values (@Id, @message::uuid, @chat::uuid, 'up', now())",
            new
            {
                acme.Id,
                message,
                chat,
            });
        await app.Execute("update users set removed_at = now(), email = null, password_hash = null where id = @member", new { member });

        var again = (await Open(acme, "k", body)).Is(201);
        Assert.Equal((chat, "new"), (again.Text("id"), again.Text("title")));
        Assert.Equal("up", (await Say(acme, chat, "k")).Is(201)["feedback"].GetProperty("rating").GetString());

        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });
        (await Open(acme, "k", body)).IsProblem(404, "not-found");
        (await Say(acme, chat, "k")).IsProblem(404, "not-found");
        Assert.Equal(1, await acme.Count("chats"));
        Assert.Equal(1, await acme.Count("messages"));
    }

    private static async Task<Answer> Say(Org org, string chat, string key, string body = Message) =>
        await Ask(org, $"/chats/{chat}/messages", key, body);

    private static async Task<Answer> Open(Org org, string key, string body = "{}") => await Ask(org, "/chats", key, body);

    private static async Task<Answer> Ask(Org org, string path, string key, string body) => await (await org.Plugin()).Send(
        HttpMethod.Post,
        $"{org.ApiPath}{path}",
        Caller.Json(System.Text.Encoding.UTF8.GetBytes(body)),
        request => request.Headers.TryAddWithoutValidation("Idempotency-Key", key));
}
