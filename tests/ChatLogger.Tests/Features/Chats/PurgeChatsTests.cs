using ChatLogger.Features;
using ChatLogger.SearchIndex;
using ChatLogger.Tests.Features.Analytics;
using ChatLogger.Tests.Features.Organizations;
using ChatLogger.Tests.Features.Search;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>What a deleted chat held is removed, and nothing else is.</summary>
public class PurgeChatsTests(OrganizationsApp app) : IClassFixture<OrganizationsApp>
{
    private static readonly string[] Emptied = ["chats", "messages", "feedback", "search_chunks"];

    [Fact]
    public async Task Nothing_that_names_the_chat_or_its_messages_is_left_but_the_audit_log_and_the_keys_of_requests()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var (chat, message) = await Conversation(acme);
        await Conversation(acme);
        await Index(acme);
        await app.FoldAll(acme);
        var kept = await Snapshot(acme, chat);
        (await admin.Delete($"/orgs/me/chats/{chat}")).Is(204);
        Assert.NotEmpty(await Naming(chat));

        await app.PurgeChats().Run(CancellationToken.None);
        await app.FoldAll(acme);

        Assert.Equal(["audit_events"], await Naming(chat));
        Assert.Empty(await Naming(message));
        Assert.Equal(kept, await Snapshot(acme, chat));
    }

    [Fact]
    public async Task What_was_said_elsewhere_is_found_and_counted_as_before()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var (gone, _) = await Conversation(acme);
        var (there, _) = await Conversation(acme);
        await Index(acme);
        await app.FoldAll(acme);
        (await admin.Delete($"/orgs/me/chats/{gone}")).Is(204);
        var before = await Counted();

        await app.PurgeChats().Run(CancellationToken.None);

        Assert.Equal(before, await Counted());
        await app.FoldAll(acme);
        Assert.Equal(before, await Counted());
        Assert.StartsWith("""{"chats":1,"messages":2,""", before, StringComparison.OrdinalIgnoreCase);
        Assert.Equal([there], await admin.Search("zebra"));

        async Task<string> Counted()
        {
            var now = DateTimeOffset.UtcNow;
            var summary = await app.Agree(acme, now.AddDays(-1), now.AddDays(1));
            return string.Join(
                ' ',
                new[] { "totals", "days", "latency", "roles", "topUsers", "anonymous", "tags" }.Select(part =>
                    summary.GetProperty(part).GetRawText()));
        }
    }

    [Fact]
    public async Task A_request_that_is_repeated_does_not_open_the_chat_anew()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        Task<Answer> Open() =>
            plugin.Send(
                HttpMethod.Post,
                $"{acme.ApiPath}/chats",
                Caller.Json("{}"u8.ToArray()),
                request => request.Headers.Add("Idempotency-Key", "once"));
        var chat = (await Open()).Is(201).Text("id");
        (await (await acme.Admin()).Delete($"/orgs/me/chats/{chat}")).Is(204);
        (await Open()).IsProblem(404, "not-found");

        await app.PurgeChats().Run(CancellationToken.None);

        (await Open()).IsProblem(404, "not-found");
        Assert.Equal(0, await acme.Count("chats"));
    }

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

    [Fact]
    public async Task The_service_does_it_by_itself()
    {
        var acme = await app.Org("acme");
        await acme.Fill();
        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });
        Assert.Contains(app.Services.GetServices<IHostedService>(), service => service is PurgeChats);
        using var purge = app.PurgeChats(settings: new PurgeSettings { Interval = TimeSpan.FromMilliseconds(20) });

        await purge.StartAsync(CancellationToken.None);
        await app.Until("select not exists (select from chats where org_id = @Id)", new { acme.Id });
        await purge.StopAsync(CancellationToken.None);

        Assert.True(purge.ExecuteTask!.IsCompletedSuccessfully);
    }

    private static async Task<(string Chat, string Message)> Conversation(Org org)
    {
        var plugin = await org.Plugin();
        var chat = await org.Chat(new { tags = new[] { "billing" }, externalUserId = "v-1" });
        await org.Say(chat, "a zebra");
        var message = await org.Say(chat, "a lion", "assistant");
        foreach (var target in new[] { $"chats/{chat}", $"chats/{chat}/messages/{message}" })
        {
            // The second replaces the first.
            (await plugin.Send(HttpMethod.Put, $"{org.ApiPath}/{target}/feedback", new { rating = "up" })).Is(200);
            (await plugin.Send(HttpMethod.Put, $"{org.ApiPath}/{target}/feedback", new { rating = "down" })).Is(200);
        }
        return (chat, message);
    }

    private async Task Index(Org org)
    {
        var indexer = app.Services.GetRequiredService<SearchIndexer>();
        await Wait.Until(
            async () =>
            {
                await indexer.CatchUp(CancellationToken.None);
                await indexer.Run(CancellationToken.None);
                return await app.Value<bool>(
                    "select (select max(seq) from messages where org_id = @Id) is not distinct from (select max(last_seq) from "
                        + "search_chunks where org_id = @Id)",
                    new { org.Id });
            },
            "All is indexed.");
    }

    /// <summary>The tables that hold an id in any column.</summary>
    private async Task<IReadOnlyList<string>> Naming(string id)
    {
        var tables = await app.Value<string[]>(
            "select array_agg(tablename::text order by tablename) from pg_tables where schemaname = 'public'");
        var naming = new List<string>();
        foreach (var table in tables!)
        {
            if (await app.Value<bool>($"select exists (select from {table} t where t::text like @Like)", new { Like = $"%{id}%" }))
                naming.Add(table);
        }
        return naming;
    }

    private static async Task<string> Snapshot(Org org, string without = "none")
    {
        var rows = new List<string>();
        foreach (var table in Emptied)
        {
            rows.Add(
                $"{table} "
                    + await org.App.Value<string>(
                        $"select coalesce(string_agg(t::text, '|' order by t::text), '') from {table} t where org_id = @Id and t::text "
                            + "not like @Without",
                        new { org.Id, Without = $"%{without}%" }));
        }
        return string.Join('\n', rows);
    }
}
