using System.Text;
using ChatLogger.Data;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Chaos;

/// <summary>The service with two connections to the database, and one for plugins.</summary>
public class SmallPoolApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["Database:PoolSize"] = "2", ["Database:PluginPoolSize"] = "1" });

    // After a start many background services ask for one of the two connections. On a busy machine the last of them waits for seconds.
    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        var pool = Services.GetRequiredService<NpgsqlDataSource>();
        await Wait.Until(async () =>
        {
            try
            {
                await using var first = await pool.OpenConnectionAsync();
                await using var second = await pool.OpenConnectionAsync();
                return true;
            }
            catch (NpgsqlException exhausted) when (exhausted.InnerException is TimeoutException)
            {
                return false;
            }
        });
    }
}

public class FullPoolTests(SmallPoolApp app) : IClassFixture<SmallPoolApp>
{
    [Fact]
    public async Task With_exhausted_pools_requests_that_need_a_connection_are_503_and_others_are_answered_quickly()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var viewer = (await acme.Member("viewer")).Caller;
        var pool = (NpgsqlDataSource)app.Services.GetService(typeof(NpgsqlDataSource))!;
        var known = app.Stranger.WithKey(await acme.Key());
        await Takes(5, 400, () => known.Post($"{acme.ApiPath}/chats", "{"));

        await using (await pool.OpenConnectionAsync())
        await using (await pool.OpenConnectionAsync())
        await using (await app.Services.GetRequiredKeyedService<NpgsqlDataSource>(Pools.Plugins).OpenConnectionAsync())
        {
            // An invalid request with a cached key.
            await Takes(1, 400, () => known.Post($"{acme.ApiPath}/chats", "{"));
            var waiting = Task.WhenAll(
                Takes(5, 503, () => plugin.Post($"{acme.ApiPath}/chats", "{}")),
                Takes(5, 503, () => viewer.Get("/orgs/me/chats")),
                Takes(5, 503, () => app.Stranger.Get("/healthz/ready")),
                Takes(5, 503, () => app.Stranger.Post("/auth/login", new { email = "a@b.example", password = "p" })));

            var key = plugin.Credential!;
            await Takes(1, 401, () => app.Stranger.WithKey(key[..^1] + (key[^1] == 'a' ? 'b' : 'a')).Post($"{acme.ApiPath}/chats", "{}"));
            await Takes(1, 401, () => app.Stranger.Post($"{acme.ApiPath}/chats", "{}"));
            await Takes(1, 401, () => app.Stranger.WithCookie("__Host-chatlogger=junk").Get("/users/me"));
            await Takes(1, 404, () => app.Stranger.Get("/nowhere"));
            await Takes(1, 405, () => viewer.Delete("/users/me"));
            await Takes(1, 415, () => plugin.Send(HttpMethod.Post, $"{acme.ApiPath}/chats", new StringContent("{}"), _ => { }));
            await Takes(
                1,
                413,
                () =>
                    Wire.Ask(
                        app.Address,
                        "POST",
                        $"{acme.ApiPath}/chats",
                        $"x-organization-api-key: {key}",
                        "Content-Type: application/json",
                        "Content-Length: 9999999"));
            await Takes(1, 400, () => app.Stranger.Post("/auth/login", "{"));
            await Takes(1, 204, () => Preflight($"{acme.ApiPath}/chats"));
            await Takes(1, 204, () => Preflight("/orgs/me/chats"));
            await Takes(1, 200, () => app.Stranger.Get("/healthz/live"));
            await Takes(1, 200, () => app.Stranger.Get("/version"));
            Assert.False(waiting.IsCompleted);
            await waiting;
        }

        await Takes(1, 201, () => plugin.Post($"{acme.ApiPath}/chats", "{}"));
        await Takes(1, 200, () => app.Stranger.Get("/healthz/ready"));
        Assert.Equal(1, await acme.Count("chats"));
    }

    [Fact]
    public async Task Members_who_exhaust_their_pool_do_not_block_plugins()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var viewer = (await acme.Member("viewer")).Caller;
        var pool = app.Services.GetRequiredService<NpgsqlDataSource>();

        await using (await pool.OpenConnectionAsync())
        await using (await pool.OpenConnectionAsync())
        {
            var waiting = viewer.Get("/orgs/me/chats");
            // A key that is not cached, and a key of a request that was answered before.
            foreach (var id in new[] { "one", "two", "one" })
                (
                    await plugin.Send(
                        HttpMethod.Post,
                        $"{acme.ApiPath}/chats",
                        new StringContent("{}", Encoding.UTF8, "application/json"),
                        request => request.Headers.Add("Idempotency-Key", id))
                ).Is(201);
            Assert.False(waiting.IsCompleted);
            (await waiting).IsProblem(503, "unavailable");
        }
        Assert.Equal(2, await acme.Count("chats"));
    }

    private Task<Answer> Preflight(string path) => app.Stranger.Send(HttpMethod.Options, path, null, request =>
    {
        request.Headers.Add("Origin", "https://shop.example");
        request.Headers.Add("Access-Control-Request-Method", "POST");
    });

    private static async Task Takes(double atMost, int status, Func<Task<Answer>> ask)
    {
        var pace = LoadAwareStopwatch.Start();
        var answer = (await ask()).Is(status);
        await pace.Within(atMost);
        Assert.Equal(status == 503, answer.Header("Retry-After") is not null);
    }
}
