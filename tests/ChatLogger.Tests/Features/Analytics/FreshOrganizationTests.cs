using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Analytics;

/// <summary>An organization that was filled at once, of which the planner knows nothing yet.</summary>
public class FreshOrganizationTests(IdleApp app) : IClassFixture<IdleApp>
{
    private const int Chats = 3_000;

    [Fact]
    public async Task Its_changes_are_read_by_their_numbers_whatever_the_planner_believes()
    {
        await (await app.Org("globex")).Chat();
        foreach (var table in new[] { "chats", "messages", "chat_sums", "chat_quarters", "rollups", "rollup_names" })
        {
            await app.Execute($"alter table {table} set (autovacuum_enabled = false)");
            await app.Execute($"analyze {table}");
        }
        var acme = await app.Org("acme");
        await app.Execute(
            """
            with chat as (
                insert into chats (org_id, id, external_user_id, created_at, updated_at)
                select @Id, gen_random_uuid(), 'person-' || n, now(), now()
                from generate_series(1, @Chats) n
                returning org_id, id, created_at
            )
            insert into messages (org_id, chat_id, id, role, content, created_at)
            select org_id, id, gen_random_uuid(), 'user', 'x', created_at
            from chat
            """,
            new { acme.Id, Chats });
        var before = await app.RowsRead();

        await app.FoldAll(acme, rows: 1_000);
        var read = await app.RowsRead() - before;

        Assert.Equal(Chats, await acme.Count("chat_sums"));
        // Each row a few times; comparing each chat of a batch with each message would be millions.
        Assert.InRange(read, 2 * Chats, 40 * Chats);
    }
}
