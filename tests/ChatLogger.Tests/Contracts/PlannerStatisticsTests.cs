using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Contracts;

/// <summary>A database that was empty a moment ago, which autovacuum has not seen yet.</summary>
public class PlannerStatisticsTests(IdleApp app) : IClassFixture<IdleApp>
{
    private const int Chats = 400;

    [SingleServerFact]
    public async Task A_message_reads_its_own_chat_soon_after_the_first_chats_of_all()
    {
        foreach (var table in new[] { "chats", "messages" })
            await app.Execute($"alter table {table} set (autovacuum_enabled = false)");
        var acme = await app.Org("acme");
        var first = await acme.Chat();
        // The plans of the writer, and those of the foreign key, are made while the tables are empty.
        await acme.Say(first, "x");

        for (var batch = 0; batch < Chats / 100; batch++)
        {
            var items = Enumerable.Range(0, 100).Select(_ => new { type = "chat" });
            (await (await acme.Plugin()).Post($"/api/v1/orgs/{acme.Slug}/batch", new { items })).Is(207);
        }
        // The service looks when something was written since it looked last.
        await Wait.Until(async () =>
        {
            await acme.Say(first, "x");
            return await app.Value<bool>("select reltuples > 0 from pg_class where oid = 'chats'::regclass");
        });
        var before = await app.RowsRead("chats");
        for (var i = 0; i < 50; i++)
            await acme.Say(first, "x");

        Assert.InRange(await app.RowsRead("chats") - before, 50, 50 * 20);
    }
}
