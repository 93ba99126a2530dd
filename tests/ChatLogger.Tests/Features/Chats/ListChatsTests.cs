using System.Text.Json;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

public class ListChatsTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task A_viewer_sees_the_organizations_chats_newest_first_with_what_was_said_last()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await globex.Chat(new { title = "theirs" });
        var older = await acme.Chat(new { title = "older", tags = new[] { "a" }, metadata = new { n = 1 } });
        await Task.Delay(2);
        var newer = await acme.Chat(new { title = "newer" });
        await acme.Say(older, "first");
        await acme.Say(older, "last " + string.Concat(Enumerable.Repeat("😀", 300)), "assistant");
        await app.Execute(
            "insert into feedback (org_id, target_id, chat_id, rating, comment, at) values (@Id, @Chat::uuid, @Chat::uuid, 'up', 'fine', "
                + "'2026-01-02T03:04:05.678Z')",
            new { acme.Id, Chat = older });

        var answer = (await (await acme.Member("viewer")).Caller.Get("/orgs/me/chats")).Is(200);

        Assert.Equal("null", answer["nextCursor"].GetRawText());
        var items = answer["items"].EnumerateArray().ToArray();
        Assert.Equal([newer, older], items.Select(item => item.GetProperty("id").GetString()!));
        Assert.Equal(
            [
                "id",
                "title",
                "tags",
                "metadata",
                "userId",
                "externalUserId",
                "createdAt",
                "updatedAt",
                "feedback",
                "messageCount",
                "firstMessageAt",
                "lastMessageAt",
                "preview",
                "snippet",
            ],
            items[0].EnumerateObject().Select(property => property.Name));
        Assert.Equal("older", items[1].GetProperty("title").GetString());
        Assert.Equal("""{"n":1}""", items[1].GetProperty("metadata").GetRawText());
        Assert.Equal("""{"rating":"up","comment":"fine","at":"2026-01-02T03:04:05.678Z"}""", items[1].GetProperty("feedback").GetRawText());
        Assert.Equal(2, items[1].GetProperty("messageCount").GetInt32());
        Assert.Equal("last " + string.Concat(Enumerable.Repeat("😀", 195)), items[1].GetProperty("preview").GetString());
        Assert.True(
            items[1].GetProperty("firstMessageAt").GetDateTimeOffset() <= items[1].GetProperty("lastMessageAt").GetDateTimeOffset());
        Assert.Equal(0, items[0].GetProperty("messageCount").GetInt32());
        Assert.Equal("null", items[0].GetProperty("firstMessageAt").GetRawText());
        Assert.Equal("null", items[0].GetProperty("preview").GetRawText());
    }

    [Fact]
    public async Task Pages_hold_every_chat_once_whatever_is_opened_meanwhile()
    {
        var acme = await app.Org("acme");
        var chats = new List<string>();
        for (var i = 0; i < 7; i++)
            chats.Add(await acme.Chat());
        // The same instant for all: then the id decides.
        await app.Execute("update chats set created_at = '2026-01-01T00:00:00Z' where org_id = @Id", new { acme.Id });
        var viewer = (await acme.Member("viewer")).Caller;

        var seen = new List<string>();
        var cursor = "";
        do
        {
            var page = (await viewer.Get($"/orgs/me/chats?limit=3{cursor}")).Is(200);
            seen.AddRange(page["items"].EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
            cursor = page["nextCursor"].ValueKind == JsonValueKind.Null ? null : "&cursor=" + page.Text("nextCursor");
            await acme.Chat();
        }
        while (cursor is not null);

        Assert.Equal(chats.Order(StringComparer.Ordinal).Reverse(), seen);
    }

    [Fact]
    public async Task A_user_sees_the_chats_attributed_to_them()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("user");
        var bob = await acme.Member("user");
        var hers = await acme.Chat(new { userId = ann.Id });
        await acme.Chat(new { userId = bob.Id });
        await acme.Chat();

        var items = (await ann.Caller.Get("/orgs/me/chats")).Is(200)["items"].EnumerateArray().ToArray();

        Assert.Equal([hers], items.Select(item => item.GetProperty("id").GetString()!));
    }

    [Fact]
    public async Task A_deleted_chat_is_gone_and_an_empty_list_is_a_list()
    {
        var acme = await app.Org("acme");
        await acme.Chat();
        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });

        var answer = (await (await acme.Admin()).Get("/orgs/me/chats")).Is(200);

        Assert.Equal("""{"items":[],"nextCursor":null}""", answer.Body);
    }

    [Fact]
    public async Task A_cursor_is_good_only_for_the_list_it_came_from()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        foreach (var org in new[] { acme, acme, globex, globex })
            await org.Chat();
        var viewer = (await acme.Member("viewer")).Caller;
        var mine = (await viewer.Get("/orgs/me/chats?limit=1")).Text("nextCursor");
        var theirs = (await (await globex.Admin()).Get("/orgs/me/chats?limit=1")).Text("nextCursor");

        (await viewer.Get($"/orgs/me/chats?limit=1&cursor={mine}")).Is(200);
        string[] bad = [theirs, "", "x", mine[..^1], mine + "A", mine[..^1] + (mine[^1] == 'A' ? 'B' : 'A'), new string('A', 5000), "%00"];
        foreach (var cursor in bad)
            (await viewer.Get($"/orgs/me/chats?limit=1&cursor={cursor}")).IsProblem(400, "validation");
        (await viewer.Get($"/orgs/me/apikeys?cursor={mine}")).IsProblem(403, "forbidden");
        (await (await acme.Admin()).Get($"/orgs/me/apikeys?cursor={mine}")).IsInvalid("cursor");
        (await (await acme.Member("user")).Caller.Get($"/orgs/me/chats?cursor={mine}")).IsInvalid("cursor");
    }

    [Fact]
    public async Task A_preview_ends_with_a_whole_character()
    {
        var acme = await app.Org("acme");
        var (family, flags, zalgo) = ("👩‍👩‍👧‍👦", "🇩🇪", "e" + string.Concat(Enumerable.Repeat("\u0301", 300)));
        foreach (
            var text in new[]
            {
                new string('x', 196) + family + "y",
                new string('x', 193) + family + "y",
                new string('x', 199) + flags,
                zalgo,
                "a\r\n" + new string('b', 300),
            })
            await acme.Say(await acme.Chat(), text);

        var items = (await (await acme.Admin()).Get("/orgs/me/chats"))
            .Is(200)["items"]
            .EnumerateArray()
            .Select(item => item.GetProperty("preview").GetString()!);

        Assert.Equal(
            [new string('x', 196), new string('x', 193) + family, new string('x', 199), zalgo[..200], "a\r\n" + new string('b', 197)],
            items.Reverse());
    }

    [Fact]
    public async Task Each_filter_leaves_what_it_says_and_all_together_what_all_say()
    {
        var acme = await app.Org("acme");
        var (ann, bob) = (await acme.Member("user"), await acme.Member("user"));
        var chats = new Dictionary<string, string>
        {
            ["plain"] = await acme.Chat(),
            ["billing"] = await acme.Chat(new { tags = new[] { "billing" }, externalUserId = "v-1" }),
            ["both"] = await acme.Chat(new { tags = new[] { "vip", "billing" }, userId = ann.Id, externalUserId = "v-1" }),
            ["bob"] = await acme.Chat(new { tags = new[] { "Billing" }, userId = bob.Id, externalUserId = "V-1" }),
        };
        foreach (var (name, day) in new[] { ("plain", 1), ("billing", 2), ("both", 3), ("bob", 4) })
            await app.Execute($"update chats set created_at = '2026-03-0{day}T12:00:00Z' where id = @Id::uuid", new { Id = chats[name] });
        await acme.Say(chats["both"], "a zebra");
        await acme.Say(chats["bob"], "a zebra");
        var admin = await acme.Admin();
        var names = chats.ToDictionary(chat => chat.Value, chat => chat.Key);

        foreach (var (filter, expected) in new[]
        {
            ("tag=billing", "both billing"),
            ("tag=billing&tag=vip", "both"),
            ("tag=bill", ""),
            ($"userId={bob.Id}", "bob"),
            ("externalUserId=v-1", "both billing"),
            ("externalUserId=", "bob both billing plain"),
            ("from=2026-03-02T12:00:00Z", "bob both billing"),
            ("to=2026-03-02T12:00:00Z", "plain"),
            ("from=2026-03-02&to=2026-03-04", "both billing"),
            ("q=zebra&tag=vip", "both"),
            ($"q=zebra&userId={bob.Id}", "bob"),
            ("q=zebra&to=2026-03-04", "both"),
            ($"q=zebra&from=2026-03-03&to=2026-03-04&tag=vip&tag=billing&userId={ann.Id}&externalUserId=v-1", "both"),
            ($"q=zebra&from=2026-03-03&to=2026-03-04&tag=vip&tag=billing&userId={ann.Id}&externalUserId=V-1", ""),
        })
        {
            Assert.Equal((filter, expected), (filter, await Names(admin, filter)));
            // Page by page the same.
            Assert.Equal((filter, expected), (filter, await Names(admin, filter + "&limit=1")));
        }
        Assert.Equal("both", await Names(ann.Caller, "externalUserId=v-1"));
        Assert.Equal("", await Names(ann.Caller, $"userId={bob.Id}"));

        async Task<string> Names(Caller caller, string filter)
        {
            var seen = new List<string>();
            for (var cursor = ""; cursor is not null;)
            {
                var page = (await caller.Get($"/orgs/me/chats?{filter}{cursor}")).Is(200);
                seen.AddRange(page["items"].EnumerateArray().Select(item => names[item.GetProperty("id").GetString()!]));
                cursor = page["nextCursor"].GetString() is { } next ? $"&cursor={next}" : null;
            }
            return string.Join(' ', seen);
        }
    }

    [Fact]
    public async Task A_date_is_the_first_instant_of_the_organizations_day()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        (await admin.Patch("/orgs/me", new { settings = new { timeZone = "America/Sao_Paulo" } })).Is(200);
        // Midnight of that day was left out: it began at one o'clock, which is 03:00 in UTC.
        var (before, first) = (await acme.Chat(), await acme.Chat());
        await app.Execute("update chats set created_at = '2018-11-04T02:59:59.999Z' where id = @before::uuid", new { before });
        await app.Execute("update chats set created_at = '2018-11-04T03:00:00Z' where id = @first::uuid", new { first });

        Assert.Equal(first, Only(await admin.Get("/orgs/me/chats?from=2018-11-04&to=2018-11-05")));
        Assert.Equal(before, Only(await admin.Get("/orgs/me/chats?from=2018-11-03&to=2018-11-04")));

        static string? Only(Answer answer) => Assert.Single(answer.Is(200)["items"].EnumerateArray()).GetProperty("id").GetString();
    }

    [Fact]
    public async Task A_cursor_is_bound_to_the_filters()
    {
        var acme = await app.Org("acme");
        var member = (await acme.Member("user")).Id;
        for (var i = 0; i < 2; i++)
        {
            var chat = await acme.Chat(new { tags = new[] { "a", "b" }, userId = member, externalUserId = "a" });
            await acme.Say(chat, "a");
        }
        var admin = await acme.Admin();
        string[] filters =
        [
            "",
            "tag=a",
            "tag=b",
            "tag=a&tag=b",
            "tag=b&tag=a",
            "externalUserId=a",
            "q=a",
            $"userId={member}",
            "from=2026-01-01",
            "from=2026-01-02",
            "to=2100-01-01",
            "from=2026-01-01&to=2100-01-01",
            "externalUserId=a&tag=a",
            "q=a&tag=a",
        ];
        foreach (var filter in filters)
        {
            var cursor = (await admin.Get($"/orgs/me/chats?limit=1&{filter}")).Is(200).Text("nextCursor");
            foreach (var other in filters)
            {
                var answer = await admin.Get($"/orgs/me/chats?limit=1&{other}&cursor={cursor}");
                if (other == filter)
                    answer.Is(200);
                else
                    answer.IsInvalid("cursor");
            }
        }
    }

    [Theory]
    [InlineData("from=2026-13-01", "from")]
    [InlineData("from=yesterday", "from")]
    [InlineData("to=2026-11-01T12:00:00", "to")]
    [InlineData("from=2026-11-02&to=2026-11-01", "from")]
    [InlineData("from=2026-11-01&to=2026-11-01", "from")]
    [InlineData("from=0001-01-01", "from")]
    [InlineData("userId=ann", "userId")]
    [InlineData("from=2026-11-01&from=2026-11-01", "from")]
    [InlineData("tag=", "tag")]
    public async Task A_filter_that_cannot_be_is_refused(string query, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Admin()).Get($"/orgs/me/chats?{query}")).IsInvalid(path);
    }

    [Fact]
    public async Task Filters_have_the_limits_of_what_they_are_compared_with()
    {
        var admin = await (await app.Org("acme")).Admin();

        (await admin.Get("/orgs/me/chats?tag=" + new string('x', 64))).Is(200);
        (await admin.Get("/orgs/me/chats?tag=" + new string('x', 65))).IsInvalid("tag");
        (await admin.Get("/orgs/me/chats?" + string.Join('&', Enumerable.Range(0, 20).Select(n => $"tag={n}")))).Is(200);
        (await admin.Get("/orgs/me/chats?" + string.Join('&', Enumerable.Range(0, 21).Select(n => $"tag={n}")))).IsInvalid("tag");
        (await admin.Get("/orgs/me/chats?externalUserId=" + new string('x', 128))).Is(200);
        (await admin.Get("/orgs/me/chats?externalUserId=" + new string('x', 129))).IsInvalid("externalUserId");
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=201", "limit")]
    [InlineData("limit=-1", "limit")]
    [InlineData("limit=1.0", "limit")]
    [InlineData("limit=1e1", "limit")]
    [InlineData("limit=+5", "limit")]
    [InlineData("limit=05", "limit")]
    [InlineData("limit=", "limit")]
    [InlineData("limit", "limit")]
    [InlineData("limit=99999999999999", "limit")]
    [InlineData("limit=5&limit=5", "limit")]
    [InlineData("Limit=5", "query")]
    [InlineData("foo=1", "query")]
    [InlineData("foo", "query")]
    [InlineData("%FF=1", "query")]
    public async Task What_is_not_a_parameter_is_refused(string query, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Admin()).Get($"/orgs/me/chats?{query}")).IsInvalid(path);
    }
}
