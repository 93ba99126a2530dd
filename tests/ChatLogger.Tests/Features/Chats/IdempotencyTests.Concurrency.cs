using ChatLogger.Ingest;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

public partial class IdempotencyTests
{
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
    public async Task A_running_duplicate_is_waited_for_up_to_the_time_out()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await using var blocker = await app.Rows.OpenConnectionAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await new NpgsqlCommand($"select from organization_log where org_id = '{acme.Id}' for update", blocker, transaction)
            .ExecuteNonQueryAsync();

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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_uncommitted_duplicate_on_another_instance_delays_only_its_organization(bool commits)
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var chat = await acme.Chat();
        await using var elsewhere = await app.Rows.OpenConnectionAsync();
        await using var transaction = await elsewhere.BeginTransactionAsync();
        await new NpgsqlCommand(
            $"select from organization_log where org_id = '{acme.Id}' for no key update; "
                + $"insert into idempotency_keys (org_id, route, parent_id, key, body_sha256, target_id, created_at) values ('{acme.Id}', "
                + $"'chats', '{Guid.Empty}', 'k', sha256('{{}}'), '{chat}', now())",
            elsewhere,
            transaction).ExecuteNonQueryAsync();

        var duplicate = Open(acme, "k");
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Open(globex, $"n{i}"))), answer => answer.Is(201));
        Assert.False(duplicate.IsCompleted);
        await (commits ? transaction.CommitAsync() : transaction.RollbackAsync());

        Assert.Equal(commits ? "true" : null, (await duplicate).Is(201).Header("Idempotent-Replayed"));
        Assert.Equal(commits ? 1 : 2, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_key_expires_after_a_day_and_is_then_deleted()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var first = (await Say(acme, chat, "k")).Is(201).Text("id");
        (await Say(acme, chat, "other")).Is(201);
        await app.Execute("update idempotency_keys set created_at = @Before where org_id = @Id", new
        {
            acme.Id,
            Before = DateTime.UtcNow.AddHours(-24),
        });

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
}
