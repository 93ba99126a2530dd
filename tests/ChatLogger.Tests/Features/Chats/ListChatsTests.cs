using System.Text.Json;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

public partial class ListChatsTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task A_viewer_sees_the_organizations_chats_newest_first_with_their_last_message()
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
                "externalId",
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
                "messageId",
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
    public async Task Unknown_parameters_are_refused(string query, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Admin()).Get($"/orgs/me/chats?{query}")).IsInvalid(path);
    }
}
