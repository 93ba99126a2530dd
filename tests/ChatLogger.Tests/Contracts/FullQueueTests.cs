using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace ChatLogger.Tests.Contracts;

/// <summary>The service with a small queue capacity.</summary>
public class NarrowApp : App
{
    protected override void Customize(WebApplicationBuilder builder) => builder.Configuration.AddInMemoryCollection(
        new Dictionary<string, string?> { ["Ingest:QueueRows"] = "8", ["Ingest:MaxParkedShare"] = "0.25" });
}

public class FullQueueTests(NarrowApp app) : IClassFixture<NarrowApp>
{
    [Fact]
    public async Task Writes_parked_behind_a_lock_take_only_a_part_of_the_queue()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (locked, theirs) = (await acme.Chat(), await globex.Chat());
        var plugin = await acme.Plugin();
        await using var blocker = await app.Rows.OpenConnectionAsync();
        await new NpgsqlCommand($"begin; select from chats where org_id = '{acme.Id}' and id = '{locked}' for update", blocker)
            .ExecuteNonQueryAsync();
        Task<Answer> Say() => plugin.Post($"{acme.ApiPath}/chats/{locked}/messages", new { role = "user", content = "a" });

        var waiting = new[] { Say(), Say() };
        await app.Queued(2);
        var pace = LoadAwareStopwatch.Start();
        var refused = await Say();
        await pace.Within(1);
        refused.IsProblem(503, "unavailable");
        Assert.NotNull(refused.Header("Retry-After"));
        await globex.Say(theirs, "a");
        await blocker.DisposeAsync();

        Assert.All(await Task.WhenAll(waiting), answer => answer.Is(201));
        Assert.Equal(2, await acme.Count("messages"));
    }
}
