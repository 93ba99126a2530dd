using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace ChatLogger.Chaos;

/// <summary>The service during shutdown: not ready, but still serving requests.</summary>
public class ShutdownTests(ShutdownTests.DrainingApp app) : IClassFixture<ShutdownTests.DrainingApp>
{
    [Fact]
    public async Task A_stopping_service_reports_not_ready_at_once_and_still_serves_requests()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();
        var plugin = other.Stranger.WithKey(key);
        await using var blocker = await app.Rows.OpenConnectionAsync();
        var transaction = await blocker.BeginTransactionAsync();
        await new NpgsqlCommand($"select from chats where id = '{chat}' for update", blocker, transaction).ExecuteNonQueryAsync();

        var inFlight = plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "in flight" });
        await other.Queued(1);
        var stopping = other.Services.GetRequiredService<IHost>().StopAsync();

        (await other.Stranger.Get("/healthz/ready")).IsProblem(503, "unavailable");
        (await other.Stranger.Get("/healthz/live")).Is(200);
        for (var i = 0; i < 5; i++)
            Assert.Equal("close", (await plugin.Post($"{acme.ApiPath}/chats", "{}")).Is(201).Header("Connection"));
        Assert.False(stopping.IsCompleted);
        Assert.False(inFlight.IsCompleted);
        // The request in flight may outlast the drain delay, up to its own deadline.
        await Task.Delay(DrainingApp.Delay);
        await transaction.DisposeAsync();

        (await inFlight).Is(201);
        await stopping;
        await Assert.ThrowsAsync<HttpRequestException>(() => plugin.Get("/healthz/live"));
        await other.Stop();
        Assert.Equal(6, await acme.Count("chats"));
        Assert.Equal(1, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_service_that_serves_keeps_its_connections()
    {
        Assert.Null((await app.Stranger.Get("/healthz/ready")).Is(200).Header("Connection"));
    }

    public sealed class DrainingApp : App
    {
        public static readonly TimeSpan Delay = TimeSpan.FromSeconds(2);

        protected override void Customize(WebApplicationBuilder builder) =>
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Shutdown:DrainDelay"] = Delay.ToString() });
    }
}
