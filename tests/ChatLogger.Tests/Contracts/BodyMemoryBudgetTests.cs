using System.Net.Sockets;
using System.Text;
using ChatLogger.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Contracts;

/// <summary>A service that holds four MiB of bodies at once, as many as one batch may have.</summary>
public sealed class SmallBudgetApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(
            [new("Server:BodyBytes", "1048576"), new("Limits:OtlpBytes", "1048576"), new("Limits:LangfuseBytes", "1048576")]);
}

public class BodyMemoryBudgetTests(SmallBudgetApp app) : IClassFixture<SmallBudgetApp>
{
    private const int Length = 900_000;

    [Fact]
    public async Task Large_bodies_beyond_what_is_held_at_once_are_refused_and_small_ones_are_not()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var started = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 4; i++)
                started.Add(await Begin(acme, chat));
            await Held(4);

            using var fifth = await Begin(acme, chat);
            var refused = await Wire.Read(fifth.GetStream());
            await acme.Say(chat, "small");
            await acme.Say(chat, new string('x', BodyMemoryBudget.CreateReservation - 100));

            Assert.NotNull(refused.IsProblem(503, "unavailable").Header("Retry-After"));
            Assert.Equal("close", refused.Header("Connection"));

            // A cancelled request releases its share of the budget.
            started[0].Dispose();
            await Held(3);
            using var next = await Begin(acme, chat);
            await End(next);
            (await Wire.Read(next.GetStream())).IsInvalid("content");
            // An answered request releases it too.
            foreach (var client in started.Skip(1))
            {
                await End(client);
                (await Wire.Read(client.GetStream())).IsInvalid("content");
            }
            for (var i = 0; i < 10; i++)
            {
                using var again = await Begin(acme, chat);
                await End(again);
                (await Wire.Read(again.GetStream())).IsInvalid("content");
            }
        }
        finally
        {
            started.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public void The_budget_counts_reserved_and_not_yet_released_bytes()
    {
        var capacity = new BodyMemoryBudget(100);
        var (one, other) = (new BodyMemoryBudget.Reservation(capacity), new BodyMemoryBudget.Reservation(capacity));

        Assert.True(one.TryGrow(60));
        Assert.True(one.TryGrow(50));
        Assert.False(other.TryGrow(41));
        Assert.True(other.TryGrow(40));
        Assert.False(one.TryGrow(61));
        one.Dispose();
        one.Dispose();
        Assert.True(other.TryGrow(100));
        Assert.False(one.TryGrow(1));
    }

    // The buffers round the size of the last bytes.
    private Task Held(int bodies)
    {
        var capacity = app.Services.GetRequiredService<BodyMemoryBudget>();
        return Wait.Until(() => capacity.Held / Length == bodies);
    }

    // All but the end.
    private async Task<TcpClient> Begin(Org org, string chat)
    {
        var client = new TcpClient();
        await client.ConnectAsync(app.Address.Host, app.Address.Port);
        var head =
            $"POST {org.ApiPath}/chats/{chat}/messages HTTP/1.1\r\nHost: x\r\nx-organization-api-key: "
                + $"{(await org.Plugin()).Credential}\r\nContent-Type: application/json\r\nContent-Length: {Length + 2}\r\n\r\n";
        const string body = "{\"role\":\"user\",\"content\":\"";
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head + body + new string('x', Length - body.Length)));
        return client;
    }

    private static async Task End(TcpClient client) => await client.GetStream().WriteAsync("\"}"u8.ToArray());
}
