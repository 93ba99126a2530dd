using ChatLogger.Tests.Features.Organizations;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

public partial class PurgeChatsTests
{
    [Fact]
    public async Task What_is_under_way_is_waited_for_and_removed_the_next_time()
    {
        var acme = await app.Org("acme");
        var (chat, message) = await Conversation(acme);
        // A rating by a request that was authorized just before the deletion.
        await using var late = await app.Rows.OpenConnectionAsync();
        await new NpgsqlCommand(
            $"begin; select from chats where id = '{chat}' for key share; insert into feedback (org_id, target_id, chat_id, rating, at) "
                + $"values ('{acme.Id}', gen_random_uuid(), '{chat}', 'up', now())",
            late).ExecuteNonQueryAsync();
        (await (await acme.Admin()).Delete($"/orgs/me/chats/{chat}")).Is(204);

        await app.PurgeChats().Run(CancellationToken.None);

        Assert.Equal(0, await acme.Count("messages"));
        Assert.Equal(1, await acme.Count("chats"));
        await new NpgsqlCommand("commit", late).ExecuteNonQueryAsync();
        Assert.Equal(1, await acme.Count("feedback"));
        await app.PurgeChats().Run(CancellationToken.None);
        foreach (var table in Emptied)
            Assert.Equal((table, 0), (table, await acme.Count(table)));
    }

    [Fact]
    public async Task A_rating_that_comes_in_while_the_chat_waits_for_its_lock_is_seen()
    {
        var acme = await app.Org("acme");
        await acme.Fill();
        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });
        using var stop = new CancellationTokenSource();
        var purging = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                await app.PurgeChats().Run(CancellationToken.None);
        });
        for (var i = 0; i < 200 && await acme.Count("chats") > 0; i++)
        {
            await app.Execute(
                """
                with held as materialized (
                    select org_id, id
                    from chats
                    where org_id = @Id
                    for key share
                )
                insert into feedback (org_id, target_id, chat_id, rating, at)
                select org_id, gen_random_uuid(), id, 'up', now()
                from held
                """,
                new { acme.Id });
        }
        await stop.CancelAsync();
        await purging;
        await app.PurgeChats().Run(CancellationToken.None);

        Assert.DoesNotContain(
            app.Log.All,
            line =>
                line.Contains(acme.Id.ToString(), StringComparison.Ordinal) && line.Contains("cannot be removed", StringComparison.Ordinal)
        );
        foreach (var table in Emptied)
            Assert.Equal((table, 0), (table, await acme.Count(table)));
    }

    [Fact]
    public async Task Four_at_once_work_past_each_other_and_touch_no_neighbour()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await acme.Fill(messages: 2000);
        await globex.Fill();
        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });
        var before = await Snapshot(globex);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => app.PurgeChats().Run(CancellationToken.None))));
        // Another instance may have locked the last of ours.
        await app.PurgeChats().Run(CancellationToken.None);

        foreach (var table in Emptied)
            Assert.Equal((table, 0), (table, await acme.Count(table)));
        Assert.Equal(before, await Snapshot(globex));
        Assert.DoesNotContain(
            app.Log.All,
            line =>
                line.Contains(acme.Id.ToString(), StringComparison.Ordinal) && line.Contains("cannot be removed", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task What_is_cut_short_goes_on_where_it_was()
    {
        var acme = await app.Org("acme");
        await acme.Fill(messages: 3000);
        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });
        using var cut = new CancellationTokenSource();
        var purging = app.PurgeChats().Run(cut.Token);
        await app.Until("select (select count(*) from messages where org_id = @Id) between 1 and 5999", new { acme.Id });
        await cut.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => purging);

        Assert.InRange(await acme.Count("messages"), 1, 5999);
        Assert.Equal(2, await acme.Count("chats"));
        await app.PurgeChats().Run(CancellationToken.None);
        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task What_fails_for_one_organization_is_in_the_way_of_no_other_and_tried_again()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        foreach (var org in new[] { acme, globex })
        {
            await org.Fill();
            await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { org.Id });
        }
        await app.Execute(
            $"""
            create function refuse() returns trigger language plpgsql as 'begin raise exception ''not this one''; end';
            create trigger refuse before delete on messages for each row when (old.org_id = '{acme.Id}') execute function refuse()
            """);
        try
        {
            await app.PurgeChats().Run(CancellationToken.None);
        }
        finally
        {
            await app.Execute("drop function refuse cascade");
        }

        Assert.Equal(2, await acme.Count("chats"));
        Assert.Equal(0, await globex.Count("chats"));
        Assert.Contains(
            app.Log.All,
            line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains(acme.Id.ToString(), StringComparison.Ordinal));
        await app.PurgeChats().Run(CancellationToken.None);
        Assert.Equal(0, await acme.Count("chats"));
    }
}
