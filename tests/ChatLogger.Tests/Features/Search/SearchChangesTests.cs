using ChatLogger.Features;
using ChatLogger.SearchIndex;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Features.Search;

/// <summary>Searches after changes, deletions and upgrades, and what they leave in the index.</summary>
public class SearchChangesTests(SearchApp app) : IClassFixture<SearchApp>
{
    [Fact]
    public async Task A_changed_title_or_tag_is_found_at_once_and_the_old_one_no_more()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat(new { title = "zebra", tags = new[] { "lion" } });
        await acme.Say(chat, "hello");

        foreach (var indexed in new[] { false, true })
        {
            if (indexed)
                await app.Index();
            await Is(["zebra", "lion", "zeb*"], ["okapi", "oka*", "tiger"]);

            (await admin.Patch($"/orgs/me/chats/{chat}", new { title = "okapi" })).Is(200);
            await Is(["okapi", "oka*", "lion", "okapi lion"], ["zebra", "zeb*", "tiger"]);
            if (indexed)
                await app.Index();
            (await (await acme.Plugin()).Patch($"{acme.ApiPath}/chats/{chat}", new { tags = new[] { "tiger" } })).Is(200);
            await Is(["okapi", "tiger", "tig*"], ["zebra", "lion"]);
            if (indexed)
                await app.Index();
            (await admin.Patch($"/orgs/me/chats/{chat}", new { title = "", tags = Array.Empty<string>() })).Is(200);
            await Is(["hello"], ["okapi", "tiger", "zebra", "lion"]);
            if (indexed)
                await app.Index();
            await Is(["hello"], ["okapi", "tiger", "zebra", "lion"]);

            (await admin.Patch($"/orgs/me/chats/{chat}", new { title = "zebra", tags = new[] { "lion" } })).Is(200);
        }
        await app.Index();
        Assert.Equal("hello lion zebra", await Dictionary(acme));

        async Task Is(string[] found, string[] lost)
        {
            foreach (var q in found)
                Assert.Equal([chat], await admin.Search(q));
            foreach (var q in lost)
                Assert.Empty(await admin.Search(q));
        }
    }

    [Fact]
    public async Task A_change_without_another_text_is_not_indexed_again()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat(new { title = "zebra", tags = new[] { "lion" } });

        (await admin.Patch($"/orgs/me/chats/{chat}", new { title = "zebra", tags = new[] { "lion" }, metadata = new { n = 1 } })).Is(200);
        Assert.Equal(0, await Changes());
        (await admin.Patch($"/orgs/me/chats/{chat}", new { tags = new[] { "lion", "tiger" } })).Is(200);
        Assert.Equal(1, await Changes());

        Task<long> Changes() => app.Value<long>("select count(text_seq) from chats where org_id = @Id", new { acme.Id });
    }

    [Fact]
    public async Task Titles_that_change_at_the_same_time_as_they_are_indexed_are_found_as_they_are()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var other = (SearchApp)await app.AnotherInstance();
        var chats = new List<string>();
        for (var i = 0; i < 4; i++)
            chats.Add(await acme.Chat(new { title = $"first{i}" }));
        await using var slow = await app.Rows.OpenConnectionAsync();

        for (var round = 0; round < 8; round++)
        {
            // A change that the others wait for, and that becomes visible while they are indexed.
            var transaction = await slow.BeginTransactionAsync();
            await using (var late = new NpgsqlCommand(
                "select from organization_log where org_id = @OrgId for no key update; select nextval('organization_log_seq')", slow))
            {
                late.Parameters.AddWithValue("OrgId", acme.Id);
                await using (var numbers = await late.ExecuteReaderAsync())
                {
                    await numbers.NextResultAsync();
                    await numbers.ReadAsync();
                    late.Parameters.AddWithValue("Seq", numbers.GetInt64(0));
                }
                late.CommandText = "update chats set title = @Title, text_seq = @Seq where org_id = @OrgId and id = @Id";
                late.Parameters.AddWithValue("Id", Guid.Parse(chats[0]));
                late.Parameters.AddWithValue("Title", $"round{round}");
                await late.ExecuteNonQueryAsync();
            }
            var work = Task.WhenAll(app.IndexSettled(), other.IndexSettled());
            var changes = Task.WhenAll(
                chats[1..].Select(async chat => (await admin.Patch($"/orgs/me/chats/{chat}", new { title = $"round{round}" })).Is(200)));
            await Task.WhenAll(app.IndexSettled(), transaction.CommitAsync());
            await Task.WhenAll(work, changes);
            Assert.Equal(4, (await admin.Search($"round{round}")).Count);
            Assert.Equal(4, (await admin.Search($"round{round}*")).Count);
            Assert.Empty(await admin.Search($"round{round - 1} OR first* OR round{round - 1}*"));
        }
        await other.Stop();
        await app.Index();
        Assert.Equal("round7", await Dictionary(acme));
    }

    [Fact]
    public async Task The_words_of_deleted_chats_leave_the_dictionary_and_come_back_with_the_next_chat()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var gone = await acme.Chat(new { title = "giraffe" });
        await acme.Say(gone, "zebra lion zebras");
        var there = await acme.Chat();
        await acme.Say(there, "zebra tiger");
        var late = await acme.Chat(new { title = "leopard" });
        (await admin.Delete($"/orgs/me/chats/{late}")).Is(204);
        await app.Index();
        Assert.Equal("giraffe lion tiger zebra zebras", await Dictionary(acme));

        (await admin.Delete($"/orgs/me/chats/{gone}")).Is(204);
        Assert.Equal([there], await admin.Search("zeb*"));
        await Purge();

        Assert.Equal("tiger zebra", await Dictionary(acme));
        Assert.Equal(0, await app.Value<long>(
            "select count(*) from search_index where org_id = @Id and chat_id = any(@Gone)",
            new { acme.Id, Gone = new[] { Guid.Parse(gone), Guid.Parse(late) } }));
        Assert.Equal([there], await admin.Search("zeb*"));
        var back = await acme.Chat();
        await acme.Say(back, "zebras");
        await app.Index();
        Assert.Equal([back, there], await admin.Search("zeb*"));
        Assert.Equal("tiger zebra zebras", await Dictionary(acme));
    }

    [Fact]
    public async Task The_words_of_a_deleted_message_leave_the_index_and_those_around_it_stay()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat(new { title = "giraffe" });
        await acme.Say(chat, "zebra lion");
        var gone = await acme.Say(chat, "zebra okapi");
        await acme.Say(chat, "tiger");
        await app.Index();
        await acme.Say(chat, "panther");

        (await admin.Delete($"/orgs/me/chats/{chat}/messages/{gone}")).Is(204);
        Assert.Empty(await admin.Search("oka*"));
        await app.Index();

        Assert.Equal("giraffe lion panther tiger zebra", await Dictionary(acme));
        Assert.Equal("0 2 1", await app.Value<string>(
            "select string_agg(messages::text, ' ' order by first_seq) from search_index where org_id = @Id", new { acme.Id }));
        Assert.Equal(5 + 3 * TimeSpanToken.Levels, await app.Value<long>(
            "select sum(cardinality(tokens)) from search_index where org_id = @Id", new { acme.Id }));
        foreach (var q in new[] { "zeb* lion", "tig*", "panther", "giraffe" })
            Assert.Equal([chat], await admin.Search(q));
        foreach (var q in new[] { "okapi", "zebra okapi" })
            Assert.Empty(await admin.Search(q));
    }

    [Fact]
    public async Task An_index_that_is_built_again_is_the_same()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat(new { title = "giraffe" });
        await acme.Say(chat, "zebra 退款");
        await app.Index();
        var before = await Rows();

        await app.Execute(
            """
            delete from search_index where org_id = @Id;
            delete from search_terms where org_id = @Id;
            delete from followers where org_id = @Id and follower = 'search_index'
            """,
            new { acme.Id });
        Assert.Equal([chat], await admin.Search("gir*"));
        await app.Index();

        Assert.Equal(before, await Rows());
        Assert.Equal([chat], await admin.Search("zeb* 退款"));

        async Task<string> Rows() => await Dictionary(acme) + await app.Value<string>(
            "select string_agg(k::text, ' ' order by k::text) from search_index k where org_id = @Id", new { acme.Id });
    }

    [Fact]
    public async Task The_index_of_the_version_before_goes_when_the_new_one_is_complete()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chats = new[] { await acme.Chat(new { title = "giraffe" }), await acme.Chat() };
        await acme.Say(chats[0], "zebra");
        await acme.Say(chats[1], "zebra");
        await app.Execute(
            """
            insert into search_chunks (org_id, chat_id, first_seq, last_seq, created_at, tokens)
            select org_id, chat_id, seq, seq, created_at, '{1,2,3}'
            from messages
            where org_id = @Id;
            insert into followers (org_id, follower, seq)
            select @Id, 'search', max(seq)
            from messages
            where org_id = @Id
            """,
            new { acme.Id });
        var cleanup = new OldIndexCleanup(
            app.Services.GetRequiredService<NpgsqlDataSource>(), NullLogger<OldIndexCleanup>.Instance);

        await cleanup.Run(CancellationToken.None);
        Assert.Equal(2, await acme.Count("search_chunks"));
        Assert.Equal(chats.Reverse(), await admin.Search("zebra"));
        Assert.Equal([chats[0]], await admin.Search("gir*"));

        await app.Index();
        await cleanup.Run(CancellationToken.None);
        Assert.Equal(0, await acme.Count("search_chunks"));
        Assert.Equal(
            "search_index",
            await app.Value<string>("select string_agg(follower, ' ') from followers where org_id = @Id", new { acme.Id }));
        Assert.Equal(chats.Reverse(), await admin.Search("zebra"));
    }

    private Task<string?> Dictionary(Org org) =>
        app.Value<string>("select string_agg(term, ' ' order by term) from search_terms where org_id = @Id", new { org.Id });

    private async Task Purge()
    {
        var purge = ActivatorUtilities.CreateInstance<PurgeChats>(app.Services);
        await purge.Run(CancellationToken.None);
    }
}
