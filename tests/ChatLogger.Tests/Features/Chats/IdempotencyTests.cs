using ChatLogger.Ingest;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>The same request, asked again under its Idempotency-Key, is answered with what the first one made.</summary>
public class IdempotencyTests(App app) : IClassFixture<App>
{
    private const string Message = """{"role":"user","content":"a"}""";

    [Theory]
    [InlineData("abc")]
    [InlineData("\"abc\"")]
    [InlineData("8f1c2a52-5e0b-4f6d-9c7e-0a1b2c3d4e5f")]
    [InlineData("a b,c;d=e/~!")]
    public async Task A_message_sent_twice_is_there_once(string key)
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
    public async Task A_chat_opened_twice_is_there_once()
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
    public async Task What_is_no_key_is_refused_and_leaves_no_row(string key)
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
    public async Task What_is_answered_again_is_the_thing_as_it_is_now()
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

    [Fact]
    public async Task Fifty_at_once_on_two_instances_make_one_row_and_get_one_answer()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();
        Task<Answer> Ask(int i, string path, string body) =>
            (i % 2 == 0 ? app : other)
                .Stranger.WithKey(key)
                .Send(
                    HttpMethod.Post,
                    $"{acme.ApiPath}{path}",
                    Caller.Json(System.Text.Encoding.UTF8.GetBytes(body)),
                    request => request.Headers.Add("Idempotency-Key", "k"));

        var messages = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() => Ask(i, $"/chats/{chat}/messages", Message))));
        var chats = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() => Ask(i, "/chats", "{}"))));
        await other.Stop();

        foreach (var answers in new[] { messages, chats })
        {
            Assert.Single(answers.Select(answer => answer.Is(201).Text("id")).Distinct());
            Assert.Equal(49, answers.Count(answer => answer.Header("Idempotent-Replayed") == "true"));
        }
        Assert.Equal(1, await acme.Count("messages"));
        Assert.Equal(2, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_twin_that_is_still_running_is_waited_for_and_then_left()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await using var blocker = await app.Rows.OpenConnectionAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await new NpgsqlCommand($"select from chats where org_id = '{acme.Id}' for update", blocker, transaction).ExecuteNonQueryAsync();

        var first = Say(acme, chat, "k");
        await app.Queued(1);
        var pace = LoadAwareStopwatch.Start();
        var second = await Say(acme, chat, "k");
        Assert.True(pace.Elapsed.TotalSeconds >= 1.5, $"It was left after {pace.Elapsed}.");
        await pace.Within(4);
        second.IsProblem(409, "idempotency-key-in-use");
        Assert.Equal("1", second.Header("Retry-After"));

        await transaction.CommitAsync();
        (await first).Is(201);
        Assert.Equal("true", (await Say(acme, chat, "k")).Is(201).Header("Idempotent-Replayed"));
        Assert.Equal(1, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_twin_on_another_instance_that_has_not_committed_is_waited_for_and_stalls_nobody_else()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await using var elsewhere = await app.Rows.OpenConnectionAsync();
        await using var transaction = await elsewhere.BeginTransactionAsync();
        await new NpgsqlCommand(
            $"insert into idempotency_keys (org_id, route, parent_id, key, body_sha256, target_id, created_at) values ('{acme.Id}', "
                + $"'chats', '{Guid.Empty}', 'k', sha256('{{}}'), '{Guid.NewGuid()}', now())",
            elsewhere,
            transaction).ExecuteNonQueryAsync();

        var twin = Open(acme, "k");
        var neighbours = Task.WhenAll(Enumerable.Range(0, 20).Select(i => Open(i % 2 == 0 ? acme : globex, $"n{i}")));
        Assert.All(await neighbours, answer => answer.Is(201));
        Assert.False(twin.IsCompleted);
        (await twin).IsProblem(409, "idempotency-key-in-use");

        await transaction.RollbackAsync();
        Assert.Null((await Open(acme, "k")).Is(201).Header("Idempotent-Replayed"));
    }

    [Fact]
    public async Task After_a_day_a_key_is_forgotten_and_then_swept_away()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var first = (await Say(acme, chat, "k")).Is(201).Text("id");
        (await Say(acme, chat, "other")).Is(201);
        await app.Execute("update idempotency_keys set created_at = created_at - interval '24 hours' where org_id = @Id", new { acme.Id });

        var second = (await Say(acme, chat, "k", """{"role":"user","content":"another"}""")).Is(201);
        Assert.Null(second.Header("Idempotent-Replayed"));
        Assert.NotEqual(first, second.Text("id"));

        await app.Services.GetRequiredService<IdempotencyKeyCleanup>().Run(CancellationToken.None);
        Assert.Equal("k", await app.Value<string>("select string_agg(key, ' ') from idempotency_keys where org_id = @Id", new { acme.Id }));
    }

    [Fact]
    public async Task It_outlives_the_instance_and_the_API_key()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var first = (await Say(acme, chat, "k")).Is(201).Text("id");
        var rotated = await acme.Key();

        var other = await app.AnotherInstance();
        var again = await other
            .Stranger.WithKey(rotated)
            .Send(
                HttpMethod.Post,
                $"{acme.ApiPath}/chats/{chat}/messages",
                Caller.Json(System.Text.Encoding.UTF8.GetBytes(Message)),
                request => request.Headers.Add("Idempotency-Key", "k"));
        await other.Stop();

        Assert.Equal(first, again.Is(201).Text("id"));
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
