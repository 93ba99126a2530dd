using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Rollups;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Tests.Features.Analytics;

public partial class RollupsTests
{
    [Fact]
    public async Task Tags_and_deletions_change_the_rollups_and_a_change_that_is_undone_does_not()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var chats = new[]
        {
            await acme.Chat(new { tags = new[] { "a", "b" }, externalUserId = "v" }),
            await acme.Chat(new { tags = new[] { "b" }, externalUserId = "v" }),
        };
        foreach (var chat in chats)
            (
                await plugin.Post(
                    $"{acme.ApiPath}/chats/{chat}/messages",
                    new
                    {
                        role = "assistant",
                        content = "x",
                        latencyMs = 5_000,
                    })
            ).Is(201);
        await app.FoldAll(acme);
        await Says("b 2 2, a 1 1", 2);

        (await plugin.Patch($"{acme.ApiPath}/chats/{chats[0]}", new { tags = new[] { "c", "b" } })).Is(200);
        await Says("b 2 2, c 1 1", 2);
        await acme.Say(chats[0], "under the new tags");
        await app.FoldAll(acme);
        await Says("b 2 3, c 1 2", 3);

        await Assert.ThrowsAsync<InvalidOperationException>(() => Db.InTransactionAsync<int>(
            async transaction =>
            {
                await transaction.ExecuteAsync("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });
                await OrganizationEvents.Record(
                    transaction, acme.Id, long.MaxValue, Guid.Parse(chats[0]), deleted: true, message: null, DateTimeOffset.UtcNow);
                throw new InvalidOperationException("As it was told.");
            },
            default));
        await Says("b 2 3, c 1 2", 3);
        Assert.Equal(1, await app.Delete(acme, Guid.Parse(chats[0])));
        await Says("b 1 1", 1);
        await app.Delete(acme, Guid.Parse(chats[1]));
        await Says("", 0);
        Assert.Equal(0, await acme.Count("rollups"));

        async Task Says(string tags, int messages)
        {
            var summary = await Agree(acme);
            Assert.Equal(
                tags,
                string.Join(
                    ", ",
                    summary
                        .GetProperty("tags")
                        .EnumerateArray()
                        .Select(tag => $"{tag.GetProperty("tag")} {tag.GetProperty("chats")} {tag.GetProperty("messages")}")));
            Assert.Equal(messages, summary.GetProperty("totals").GetProperty("messages").GetInt32());
        }
    }

    [Fact]
    public async Task A_rating_that_replaces_another_counts_once_whether_or_not_either_is_aggregated()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var chat = await acme.Chat();
        var ratings = new[] { ("up", false), ("down", true), ("down", false), ("up", false), ("up", true), ("down", false) };
        foreach (var (rating, aggregate) in ratings)
        {
            (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating })).Is(200);
            for (var again = aggregate ? 2 : 1; again > 0; again--)
            {
                var totals = (await Agree(acme)).GetProperty("totals");
                Assert.Equal(
                    rating == "up" ? (1, 0) : (0, 1),
                    (totals.GetProperty("feedbackUp").GetInt32(), totals.GetProperty("feedbackDown").GetInt32()));
                if (aggregate)
                    await app.FoldAll(acme);
            }
        }
        await app.FoldAll(acme);
        Assert.Equal(0, await acme.Count("feedback_replaced"));
        Assert.Equal(0, (await Rebuild(acme)).Differences);

        // At once, and for the first time.
        var message = await acme.Say(chat, "x");
        await Task.WhenAll(
            Enumerable
                .Range(0, 12)
                .Select(async n =>
                    (
                        await plugin.Send(
                            HttpMethod.Put,
                            $"{acme.ApiPath}/chats/{chat}/messages/{message}/feedback",
                            new { rating = n % 2 == 0 ? "up" : "down" })
                    ).Is(200)));
        await Agree(acme);
        await app.FoldAll(acme, rows: 1);
        var both = (await Agree(acme)).GetProperty("totals");
        Assert.Equal(2, both.GetProperty("feedbackUp").GetInt32() + both.GetProperty("feedbackDown").GetInt32());
    }

    [Fact]
    public async Task A_rebuild_finds_and_repairs_wrong_rollups()
    {
        var acme = await app.Org("acme");
        await acme.Say(await acme.Chat(new { externalUserId = "v" }), "x");
        await app.FoldAll(acme);
        Assert.Equal((3, 0), await Rebuild(acme));
        // The number of chats, after the kind and the key of the first cell.
        await app.Execute("update rollups set cells = set_byte(cells, 2, 77) where org_id = @Id and tier = 1", new { acme.Id });
        await app.Execute("delete from rollups where org_id = @Id and tier = 2", new { acme.Id });

        Assert.Equal((3, 2), await Rebuild(acme));

        Assert.Equal((3, 0), await Rebuild(acme));
        Assert.Equal(1, await Messages(acme));
    }

    private Task<(int Rollups, int Differences)> Rebuild(Org org) =>
        new RollupVerifier(
            app.Services.GetRequiredKeyedService<NpgsqlDataSource>(Pools.Analytics),
            new FeedSettings { BatchRows = 50 }
        ).Run(org.Id, default);
}
