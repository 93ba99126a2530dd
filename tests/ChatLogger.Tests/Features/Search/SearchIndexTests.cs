using ChatLogger.SearchIndex;

namespace ChatLogger.Tests.Features.Search;

/// <summary>The content of the index, and that searches use it.</summary>
public class SearchIndexTests(SearchApp app) : IClassFixture<SearchApp>
{
    [Fact]
    public async Task Each_message_is_indexed_once_whichever_instance_does_it()
    {
        var acme = await app.Org("acme");
        var chats = new[] { await acme.Chat(), await acme.Chat() };
        var other = (SearchApp)await app.AnotherInstance();
        for (var i = 0; i < 12; i++)
        {
            await acme.Say(chats[i % 2], $"word{i}");
            if (i % 4 == 3)
                await Task.WhenAll(app.Index(), other.Index());
        }
        await app.Index();
        await other.Stop();

        Assert.Equal(12, await app.Value<long>(
            """
            select count(*)
            from messages m
            join search_index k on k.org_id = m.org_id and k.chat_id = m.chat_id and m.seq between k.first_seq and k.last_seq
            where m.org_id = @Id
            """,
            new { acme.Id }));
        // Besides those of the words, each row has the tokens of the spans of time that it is in.
        Assert.Equal(12, await app.Value<long>(
            "select sum(cardinality(tokens) - @Levels) from search_index where org_id = @Id", new { acme.Id, TimeSpanToken.Levels }));
        Assert.Equal(
            Guid.Parse(chats[1]),
            await app.Value<Guid>("select chat_id from search_index where org_id = @Id order by first_seq desc limit 1", new { acme.Id }));
    }

    [Fact]
    public async Task The_longest_text_there_may_be_is_indexed_and_found_by_its_beginning()
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var words = string.Join(' ', Enumerable.Range(0, 60_000).Select(n => $"{n:x}"));
        var chat = await acme.Chat();
        await acme.Say(chat, $"zebra {words[..262_000]} lion");
        await acme.Say(await acme.Chat(), string.Concat(Enumerable.Range(0, 80_000).Select(n => (char)(0x4E00 + n % 20_000))));
        await acme.Say(await acme.Chat(), new string('x', 262_144));
        await acme.Say(await acme.Chat(), "a" + new string('\u0301', 100_000));

        foreach (var indexed in new[] { false, true })
        {
            if (indexed)
                await app.Index();
            Assert.DoesNotContain(app.Log.All, line => line.Contains("Feed consumer search_index failed", StringComparison.Ordinal));
            Assert.Equal([chat], await viewer.Search("zebra"));
            Assert.Empty(await viewer.Search("lion"));
        }
        Assert.Equal(await app.Value<long>("select max(seq) from messages where org_id = @Id", new { acme.Id }), await app.Value<long>(
            "select max(last_seq) from search_index where org_id = @Id", new { acme.Id }));
    }

    [Fact]
    public async Task Messages_deleted_before_they_are_indexed_are_skipped()
    {
        var acme = await app.Org("acme");
        var (gone, there) = (await acme.Chat(), await acme.Chat());
        await acme.Say(gone, "zebra");
        await acme.Say(there, "zebra");
        await app.Execute("update chats set deleted_at = now() where id = @gone::uuid", new { gone });

        await app.Index();

        Assert.Equal(Guid.Parse(there), await app.Value<Guid>("select chat_id from search_index where org_id = @Id", new { acme.Id }));
    }

    [Fact]
    public async Task Lists_pages_and_searches_never_read_a_large_table_from_end_to_end()
    {
        var acme = await app.Org("acme");
        await app.Execute(
            """
            insert into chats (org_id, id, tags, external_user_id, created_at, updated_at)
            select @Id, md5(@Id::text || n)::uuid, array['n' || n % 4000, 'all'], 'v-' || n % 4000, now() - n * interval '1 minute', now()
            from generate_series(1, 40000) n
            """,
            new { acme.Id });
        // The check of the foreign key finds each chat, where it would read all of an organization that PostgreSQL knows nothing of.
        await app.Execute("analyze chats");
        await app.Execute(
            """
            insert into messages (org_id, chat_id, id, role, content, created_at)
            select @Id, md5(@Id::text || n % 40000 + 1)::uuid, md5(@Id::text || 'm' || n)::uuid, 'user',
                'zebra ' || md5(n::text) || case when n % 1000 = 0 then ' lion' else '' end, now()
            from generate_series(1, 80000) n
            """,
            new { acme.Id });
        await app.Index();
        await app.Execute("vacuum analyze chats, messages, search_index");
        var viewer = (await acme.Member("viewer")).Caller;
        var user = (await acme.Member("user")).Caller;
        var chat = await app.Value<Guid>("select md5(@Id::text || 1)::uuid", new { acme.Id });
        var before = await Scans();

        // Often enough that PostgreSQL uses generic plans.
        for (var round = 0; round < 8; round++)
        {
            foreach (
                var path in new[]
                {
                    "",
                    "?q=zebra",
                    "?q=lion",
                    "?q=zebra+lion",
                    "?q=lion+OR+nothing",
                    "?q=nothing",
                    "?q=-zebra",
                    "?tag=n7",
                    "?tag=all",
                    "?tag=none",
                    "?tag=n7&q=zebra",
                    "?externalUserId=v-7",
                    "?externalUserId=none",
                    "?from=2020-01-01&to=2020-02-01",
                    $"?userId={Guid.NewGuid()}",
                    $"/{chat}",
                    $"/{chat}/messages",
                    $"/{chat}/messages?order=desc",
                })
                (await viewer.Get($"/orgs/me/chats{path}")).Is(200);
            (await user.Get("/orgs/me/chats?q=zebra")).Is(200);
        }

        var (from, to) = (DateTimeOffset.UtcNow.AddMinutes(-20_500), DateTimeOffset.UtcNow.AddMinutes(-5_500));
        var some = (await viewer.Get($"/orgs/me/chats?q=lion&from={from:yyyy-MM-ddTHH:mm:ssZ}&to={to:yyyy-MM-ddTHH:mm:ssZ}")).Is(200);
        Assert.Equal(15, some["items"].GetArrayLength());
        Assert.All(some["items"].EnumerateArray(), item => Assert.InRange(item.GetProperty("createdAt").GetDateTimeOffset(), from, to));

        var after = await Scans();
        Assert.True(after.Index > before.Index + 100, "Nothing was counted.");
        Assert.Equal(before.Sequential, after.Sequential);
    }

    // Of tables, or of shards, that have many rows.
    private async Task<(long Sequential, long Index)> Scans()
    {
        await app.EndSessions();
        return (
            await app.OnNodes(
                """
                select coalesce(sum(seq_scan), 0)::bigint
                from pg_stat_user_tables
                where relname ~ '^(chats|messages|search_index)(_[0-9]+)?$'
                  and n_live_tup > 100
                """),
            await app.OnNodes(
                "select coalesce(sum(idx_scan), 0)::bigint from pg_stat_user_tables where relname ~ '^search_index(_[0-9]+)?$'"));
    }
}
