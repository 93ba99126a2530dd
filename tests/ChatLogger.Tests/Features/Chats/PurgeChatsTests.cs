using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.SearchIndex;
using ChatLogger.Tests.Features.Analytics;
using ChatLogger.Tests.Features.Organizations;
using ChatLogger.Tests.Features.Search;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>What a deleted chat held is removed, and nothing else is.</summary>
public partial class PurgeChatsTests(OrganizationsApp app) : IClassFixture<OrganizationsApp>
{
    private static readonly string[] Emptied = ["chats", "messages", "feedback", "search_index", "search_terms"];

    [Fact]
    public async Task Only_the_audit_log_the_idempotency_keys_and_the_recent_changes_still_name_a_purged_chat()
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

        // Who follows the organization may be about to read of it, for an hour.
        Assert.Equal(["audit_events", "organization_events"], await Naming(chat));
        Assert.Empty(await Naming(message));
        Assert.Equal(kept, await Snapshot(acme, chat));
    }

    [Fact]
    public async Task Messages_of_other_chats_are_found_and_counted_as_before()
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
    public async Task A_repeated_request_does_not_create_the_chat_again()
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
    public async Task The_background_job_purges_without_a_request()
    {
        var acme = await app.Org("acme");
        await acme.Fill();
        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });
        Assert.Contains(app.Services.GetServices<PeriodicJob>(), job => job is PurgeChats);
        using var purge = new PeriodicJobs([app.PurgeChats(settings: new PurgeSettings { Interval = TimeSpan.FromMilliseconds(20) })]);

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
                        + "search_index where org_id = @Id)",
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
            if (await app.Value<bool>($"select count(*) > 0 from {table} t where t::text like @Like", new { Like = $"%{id}%" }))
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
