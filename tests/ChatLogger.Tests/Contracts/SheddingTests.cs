using System.Diagnostics;
using ChatLogger.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace ChatLogger.Tests.Contracts;

/// <summary>A service in which one row of each kind may wait to be written.</summary>
public sealed class OneRowApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection([new("Ingest:QueueRows", "1"), new("Ingest:BatchQueueRows", "1")]);
}

/// <summary>Without capacity a request is refused at once and cheaply.</summary>
public class SheddingTests(OneRowApp app) : IClassFixture<OneRowApp>
{
    [Fact]
    public async Task Without_queue_capacity_the_body_is_not_read_and_other_requests_are_served()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var plugin = await acme.Plugin();
        var member = await acme.Member("user");
        var (locked, other) = (await acme.Chat(), await acme.Chat(new { userId = member.Id }));
        var logged = app.Log.All.Count;
        var since = Stopwatch.GetTimestamp();
        await using var blocker = await app.Rows.OpenConnectionAsync();
        await new NpgsqlCommand($"begin; lock table messages in share mode", blocker).ExecuteNonQueryAsync();
        var waiting = plugin.Post($"{acme.ApiPath}/chats/{locked}/messages", new { role = "user", content = "waits" });
        await app.Queued(1);

        for (var i = 0; i < 50; i++)
        {
            // Otherwise it would be 400.
            Assert.Equal(
                "1",
                (await plugin.Post($"{acme.ApiPath}/chats/{other}/messages", "{")).IsProblem(503, "unavailable").Header("Retry-After"));
        }
        (await member.Caller.Post($"/orgs/me/chats/{other}/messages", "{")).IsProblem(503, "unavailable");
        (await plugin.Post($"{acme.ApiPath}/chats", "{")).IsProblem(400, "validation");
        await globex.Chat();
        (await member.Caller.Get($"/orgs/me/chats/{other}/messages")).Is(200);
        (await app.Stranger.Post($"{acme.ApiPath}/chats/{other}/messages", "{")).IsProblem(401, "unauthenticated");

        Assert.False(waiting.IsCompleted);
        await blocker.DisposeAsync();
        (await waiting).Is(201);
        await acme.Say(other, "the queue has capacity again");
        // One line a second at most.
        var seconds = (int)Math.Ceiling(Stopwatch.GetElapsedTime(since).TotalSeconds);
        Assert.InRange(
            app.Log.All.Skip(logged).Count(line => line.Contains("answered with 503", StringComparison.Ordinal)),
            0,
            1 + seconds);
    }

    [Fact]
    public void The_first_line_is_let_through_and_then_one_every_so_often_that_says_how_many_were_not()
    {
        var clock = new FakeTimeProvider();
        var seldom = new LogSampler(TimeSpan.FromSeconds(1), clock);

        Assert.True(seldom.ShouldLog(out var suppressed));
        Assert.Equal(0, suppressed);
        for (var i = 0; i < 7; i++)
            Assert.False(seldom.ShouldLog(out _));
        clock.Advance(TimeSpan.FromSeconds(1.5));
        Assert.True(seldom.ShouldLog(out suppressed));
        Assert.Equal(7, suppressed);
        Assert.False(seldom.ShouldLog(out _));
        clock.Advance(TimeSpan.FromSeconds(1.5));
        Assert.True(seldom.ShouldLog(out suppressed));
        Assert.Equal(1, suppressed);
    }
}
