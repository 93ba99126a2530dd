namespace ChatLogger.Tests.Features.Chats;

public partial class ListChatsTests
{
    [Fact]
    public async Task Chats_are_found_by_model_rating_and_who_spoke_last()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var chats = new Dictionary<string, string>();
        foreach (var name in new[] { "empty", "asked", "answered", "liked", "mixed" })
            chats[name] = await acme.Chat();
        var messages = new Dictionary<string, string>();
        foreach (var (name, role, model) in new[]
        {
            ("asked", "assistant", "m-1"), ("asked", "user", null), ("answered", "user", null), ("answered", "assistant", "m-2"),
            ("liked", "assistant", "m-1"), ("mixed", "assistant", "m-2"), ("mixed", "user", "m-1"),
        })
        {
            var answer = await plugin.Post($"{acme.ApiPath}/chats/{chats[name]}/messages", new { role, content = "a zebra", model });
            messages[name] = answer.Is(201).Text("id");
        }
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chats["liked"]}/feedback", new { rating = "up" })).Is(200);
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chats["mixed"]}/feedback", new { rating = "up" })).Is(200);
        (await plugin.Send(
            HttpMethod.Put,
            $"{acme.ApiPath}/chats/{chats["mixed"]}/messages/{messages["mixed"]}/feedback",
            new { rating = "down" })).Is(200);
        var admin = await acme.Admin();
        var names = chats.ToDictionary(chat => chat.Value, chat => chat.Key);

        foreach (var (filter, expected) in new[]
        {
            ("model=m-1", "asked liked mixed"), ("model=m-2", "answered mixed"), ("model=m", ""),
            ("model=", "answered asked empty liked mixed"),
            ("rating=up", "liked mixed"), ("rating=down", "mixed"), ("rating=none", "answered asked empty"),
            ("unanswered=true", "asked mixed"), ("unanswered=false", "answered empty liked"),
            ("unanswered=true&rating=down&model=m-2&q=zebra", "mixed"), ("unanswered=false&rating=up&q=zebra", "liked"),
        })
        {
            var page = (await admin.Get($"/orgs/me/chats?{filter}")).Is(200)["items"];
            var found = page.EnumerateArray().Select(chat => names[chat.GetProperty("id").GetString()!]).Order();
            Assert.Equal(expected, string.Join(' ', found));
        }
        foreach (var query in new[] { "rating=x", "unanswered=1", $"model={new string('m', 101)}" })
            (await admin.Get($"/orgs/me/chats?{query}")).IsInvalid(query.Split('=')[0]);
    }

    [Fact]
    public async Task Preview_and_time_are_of_the_message_that_came_last()
    {
        var acme = await app.Org("acme");
        var plugin = app.Stranger.WithKey(await acme.Key("ingest", "import"));
        var chat = await acme.Chat();
        foreach (var (content, at) in new[] { ("first", "2026-02-02T00:00:00Z"), ("last", "2026-01-01T00:00:00Z") })
            (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content, createdAt = at })).Is(201);

        var item = (await (await acme.Admin()).Get("/orgs/me/chats")).Is(200)["items"][0];

        Assert.Equal("last", item.GetProperty("preview").GetString());
        Assert.Equal("2026-01-01T00:00:00.000Z", item.GetProperty("lastMessageAt").GetString());
        Assert.Equal("2026-02-02T00:00:00.000Z", item.GetProperty("firstMessageAt").GetString());
    }

    [Fact]
    public async Task Each_filter_applies_and_all_filters_combine()
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
    public async Task An_invalid_filter_is_refused(string query, string path)
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
}
