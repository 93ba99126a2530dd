using ChatLogger.Tests.Features.Organizations;
using ChatLogger.Tests.Support;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

public partial class PurgeChatsTests
{
    [Fact]
    public async Task A_chat_in_use_is_purged_in_a_later_run()
    {
        var acme = await app.Org("acme");
        var (chat, message) = await Conversation(acme);
        // A rating by a request that was authorized just before the deletion.
        await using var late = await app.Rows.OpenConnectionAsync();
        await new NpgsqlCommand(
            $"begin; select from chats where org_id = '{acme.Id}' and id = '{chat}' for key share; "
                + "insert into feedback (org_id, target_id, chat_id, rating, at) "
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
    public async Task A_rating_that_arrives_while_the_purge_waits_for_the_lock_is_removed_too()
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
                begin;
                select from chats where org_id = @Id for key share;
                insert into feedback (org_id, target_id, chat_id, rating, at)
                select org_id, gen_random_uuid(), id, 'up', now()
                from chats
                where org_id = @Id;
                commit
                """,
                new { acme.Id });
        }
        await stop.CancelAsync();
        await purging;
        await app.PurgeChats().Run(CancellationToken.None);

        Assert.DoesNotContain(
            app.Log.All,
            line =>
                line.Contains(acme.Id.ToString(), StringComparison.Ordinal) && line.Contains("cannot be purged", StringComparison.Ordinal)
        );
        foreach (var table in Emptied)
            Assert.Equal((table, 0), (table, await acme.Count(table)));
    }

    [Fact]
    public async Task Four_concurrent_purges_do_not_block_each_other_and_keep_other_chats()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await acme.Fill(messages: 2000);
        await globex.Fill();
        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });
        var before = await Snapshot(globex);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => app.PurgeChats().Run(CancellationToken.None))));
        // Another instance may have locked the last chat of this one.
        await app.PurgeChats().Run(CancellationToken.None);

        foreach (var table in Emptied)
            Assert.Equal((table, 0), (table, await acme.Count(table)));
        Assert.Equal(before, await Snapshot(globex));
        Assert.DoesNotContain(
            app.Log.All,
            line =>
                line.Contains(acme.Id.ToString(), StringComparison.Ordinal) && line.Contains("cannot be purged", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task An_interrupted_purge_continues_where_it_stopped()
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

    [SingleServerFact]
    public async Task A_failure_of_one_organization_does_not_block_others_and_is_retried()
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
