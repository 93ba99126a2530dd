using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>A plugin names its chats itself.</summary>
public class ExternalIdTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private const string Body = """{"externalId":"order-7","title":"Order 7","tags":["a"],"externalUserId":"v-1"}""";

    [Fact]
    public async Task The_second_request_is_answered_with_the_chat_there_is_unchanged()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var plugin = app.Stranger.WithKey(await acme.Key(KeyScope.Ingest, KeyScope.Read));

        var made = (await plugin.Post($"{acme.ApiPath}/chats", Body)).Is(201);
        var again = (await plugin.Post($"{acme.ApiPath}/chats", """{"externalId":"order-7","title":"Other","tags":["b"]}""")).Is(200);

        Assert.Equal("order-7", made.Text("externalId"));
        Assert.Equal(made.Body, again.Body);
        Assert.False(again.Headers.ContainsKey("Location"));
        Assert.False(again.Headers.ContainsKey("Idempotent-Replayed"));
        var found = (await plugin.Get($"{acme.ApiPath}/chats?externalId=order-7")).Is(200);
        Assert.Equal($$"""{"items":[{{made.Body}}],"nextCursor":null}""", found.Body);
        Assert.Equal("""{"items":[],"nextCursor":null}""", (await plugin.Get($"{acme.ApiPath}/chats?externalId=order-8")).Is(200).Body);
        (await plugin.Get($"{acme.ApiPath}/chats")).IsInvalid("externalId");
        Assert.NotEqual(made.Text("id"), (await (await globex.Plugin()).Post($"{globex.ApiPath}/chats", Body)).Is(201).Text("id"));
        Assert.Equal(1, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_key_that_may_not_read_learns_only_the_ids_and_the_time()
    {
        var acme = await app.Org("acme");
        var made = (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", Body)).Is(201);

        var again = (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", """{"externalId":"order-7"}""")).Is(200);

        Assert.Equal(
            $$"""
            {"id":"{{made.Text("id")}}","externalId":"order-7","title":null,"tags":[],"metadata":{},"userId":null,"externalUserId":null,
            "createdAt":"{{made.Text("createdAt")}}","updatedAt":null,"feedback":null}
            """.ReplaceLineEndings(""),
            again.Body);
    }

    [Fact]
    public async Task Requests_at_once_make_one_chat()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => i % 2 == 0
            ? plugin.Post($"{acme.ApiPath}/chats", new { externalId = "one" })
            : plugin.Post($"{acme.ApiPath}/batch", new { items = new[] { new { type = "chat", externalId = "one" } } })));

        var ids = answers.Select(answer => answer.Status == 207 ? answer["results"][0].GetProperty("id").GetString() : answer.Text("id"));
        Assert.Single(ids.Distinct());
        Assert.Equal(1, answers.Count(answer =>
            answer.Status == 201 || (answer.Status == 207 && !answer["results"][0].GetProperty("replayed").GetBoolean())));
        Assert.Equal(1, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_deleted_chat_gives_its_external_id_back_after_thirty_days()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var first = (await plugin.Post($"{acme.ApiPath}/chats", Body)).Is(201).Text("id");
        (await (await acme.Admin()).Delete($"/orgs/me/chats/{first}")).Is(204);

        (await plugin.Post($"{acme.ApiPath}/chats", Body)).IsProblem(404, "not-found");
        await app.Execute($"update tombstones set {App.Earlier("expires_at", "30 days")} where org_id = @Id", new { acme.Id });
        Assert.NotEqual(first, (await plugin.Post($"{acme.ApiPath}/chats", Body)).Is(201).Text("id"));
    }

    [Fact]
    public async Task Under_an_idempotency_key_the_answer_stays_what_it_was()
    {
        var acme = await app.Org("acme");
        var plugin = app.Stranger.WithKey(await acme.Key(KeyScope.Ingest, KeyScope.Read));
        Task<Answer> Ask(string key, string body) => plugin.Send(
            HttpMethod.Post,
            $"{acme.ApiPath}/chats",
            Caller.Json(System.Text.Encoding.UTF8.GetBytes(body)),
            request => request.Headers.Add("Idempotency-Key", key));

        var made = (await Ask("k1", Body)).Is(201);
        var existing = (await Ask("k2", Body)).Is(200);

        foreach (var (key, first) in new[] { ("k1", made), ("k2", existing) })
        {
            var replay = (await Ask(key, Body)).Is(first.Status);
            Assert.Equal(first.Body, replay.Body);
            Assert.Equal("true", replay.Header("Idempotent-Replayed"));
            (await Ask(key, """{"externalId":"order-9"}""")).IsProblem(422, "idempotency-key-reused");
        }
        Assert.False(existing.Headers.ContainsKey("Idempotent-Replayed"));
        Assert.Equal(1, await acme.Count("chats"));
        (await (await acme.Admin()).Delete($"/orgs/me/chats/{made.Text("id")}")).Is(204);
        (await Ask("k2", Body)).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task In_a_batch_an_existing_chat_takes_the_messages()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var chat = (await plugin.Post($"{acme.ApiPath}/chats", Body)).Is(201).Text("id");
        const string batch = """
            {"items":[{"type":"chat","ref":"a","externalId":"order-7","idempotencyKey":"c"},{"type":"chat","ref":"b","externalId":"new"},
            {"type":"chat","ref":"c","externalId":"new"},{"type":"message","chatRef":"a","role":"user","content":"1"},
            {"type":"message","chatRef":"b","role":"user","content":"2"},{"type":"message","chatRef":"c","role":"user","content":"3"}]}
            """;

        var answer = (await plugin.Post($"{acme.ApiPath}/batch", batch)).Is(207)["results"];

        Assert.All(answer.EnumerateArray(), result => Assert.Equal(201, result.GetProperty("status").GetInt32()));
        Assert.Equal([true, false, true], answer.EnumerateArray().Take(3).Select(result => result.GetProperty("replayed").GetBoolean()));
        Assert.Equal(chat, answer[0].GetProperty("id").GetString());
        Assert.Equal(answer[1].GetProperty("id").GetString(), answer[2].GetProperty("id").GetString());
        var other = (await plugin.Post($"{acme.ApiPath}/batch",
            """{"items":[{"type":"chat","externalId":"x","idempotencyKey":"c"}]}""")).Is(207)["results"][0];
        Assert.Equal(422, other.GetProperty("status").GetInt32());
        Assert.Equal(2, await acme.Count("chats"));
        Assert.Equal(3, await acme.Count("messages"));
    }

    [Fact]
    public async Task Nobody_guesses_an_external_id_with_a_public_key()
    {
        var acme = await app.Org("acme");
        var page = app.Stranger.WithKey((await app.Send(new CreateApiKey.Command(
            acme.Id, "page", [KeyScope.Ingest], null, ["https://shop.example"], ApiKey.Generate(), Persona.Operator))).Key);

        (await page.Post($"{acme.ApiPath}/chats", new { externalId = new string('a', 21) })).IsInvalid("externalId");
        (await page.Post($"{acme.ApiPath}/chats", new { externalId = new string('a', 22) })).Is(201);
        var item = new { type = "chat", externalId = new string('a', 21) };
        var result = (await page.Post($"{acme.ApiPath}/batch", new { items = new[] { item } })).Is(207)["results"][0];
        Assert.Equal(400, result.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task It_has_at_most_200_characters_and_an_empty_one_is_none()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();

        (await plugin.Post($"{acme.ApiPath}/chats", new { externalId = new string('é', 201) })).IsInvalid("externalId");
        Assert.Equal(new string('é', 200), (await plugin.Post($"{acme.ApiPath}/chats", new { externalId = new string('é', 200) })).Is(201)
            .Text("externalId"));
        for (var i = 0; i < 2; i++)
            (await plugin.Post($"{acme.ApiPath}/chats", new { externalId = "" })).Is(201);
        (await (await acme.Admin()).Post("/orgs/me/chats", new { externalId = "x" })).IsProblem(400, "validation");
    }
}
