using System.Text.Json;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

public class ListMessagesTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task Messages_are_read_in_the_order_of_arrival()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var plugin = await acme.Plugin();
        var said = new List<string>();
        for (var i = 0; i < 5; i++)
            said.Add((
                    await plugin.Post(
                        $"{acme.ApiPath}/chats/{chat}/messages",
                        new
                        {
                            role = "user",
                            content = $"{i}",
                            latencyMs = i,
                            metadata = new { i },
                        })
                ).Is(201).Body);
        // Whatever the clocks say.
        await app.Execute("update messages set created_at = '2020-01-01T00:00:00Z' where org_id = @Id and content = '4'", new { acme.Id });

        var read = (await (await acme.Member("viewer")).Caller.Get($"/orgs/me/chats/{chat}/messages")).Is(200);

        var items = read["items"].EnumerateArray().Select(item => item.GetRawText()).ToArray();
        Assert.Equal(said[..4], items[..4]);
        Assert.Contains("\"content\":\"4\"", items[4], StringComparison.Ordinal);
        Assert.Equal("null", read["nextCursor"].GetRawText());
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("&order=asc", false)]
    [InlineData("&order=desc", true)]
    public async Task Pages_hold_every_message_once_both_ways(string order, bool reversed)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var said = new List<string>();
        for (var i = 0; i < 6; i++)
            said.Add(await acme.Say(chat, $"{i}"));
        var viewer = (await acme.Member("viewer")).Caller;

        var seen = new List<string>();
        var pages = 0;
        for (string? cursor = ""; cursor is not null; pages++)
        {
            var page = (await viewer.Get($"/orgs/me/chats/{chat}/messages?limit=2{order}{cursor}")).Is(200);
            seen.AddRange(page["items"].EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
            cursor = page["nextCursor"].ValueKind == JsonValueKind.Null ? null : "&cursor=" + page.Text("nextCursor");
        }

        Assert.Equal(3, pages);
        Assert.Equal(reversed ? Enumerable.Reverse(said) : said, seen);
    }

    [Fact]
    public async Task A_chat_without_messages_is_an_empty_page_and_a_missing_chat_is_404()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();

        var empty = await admin.Get($"/orgs/me/chats/{await acme.Chat()}/messages");
        var none = await admin.Get($"/orgs/me/chats/{Guid.CreateVersion7()}/messages");

        Assert.Equal("""{"items":[],"nextCursor":null,"previousCursor":null}""", empty.Is(200).Body);
        none.IsProblem(404, "not-found");
    }

    [Fact]
    public async Task Anonymous_callers_and_other_users_see_nothing()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var ann = await acme.Member("user");
        var bob = await acme.Member("user");
        var chat = await acme.Chat(new { userId = ann.Id });
        await acme.Say(chat, "a secret");
        var path = $"/orgs/me/chats/{chat}/messages";

        Assert.Contains("a secret", (await ann.Caller.Get(path)).Is(200).Body, StringComparison.Ordinal);
        (await bob.Caller.Get(path)).IsProblem(404, "not-found");
        (await (await globex.Admin()).Get(path)).IsProblem(404, "not-found");
        (await (await acme.Plugin()).Get(path)).IsProblem(401, "unauthenticated");
        (await app.Stranger.Get(path)).IsProblem(401, "unauthenticated");
    }

    [Fact]
    public async Task A_deleted_chats_messages_are_gone()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await acme.Say(chat, "x");
        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });

        (await (await acme.Admin()).Get($"/orgs/me/chats/{chat}/messages")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task Feedback_is_listed_with_its_message()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var message = await acme.Say(chat, "x");
        await app.Execute(
            "insert into feedback (org_id, target_id, chat_id, rating, at) values (@Id, @Message::uuid, @Chat::uuid, 'down', "
                + "'2026-01-02T03:04:05Z')",
            new { acme.Id, Message = message, Chat = chat });

        var read = await (await acme.Admin()).Get($"/orgs/me/chats/{chat}/messages");

        Assert.Equal(
            """{"rating":"down","comment":null,"at":"2026-01-02T03:04:05.000Z"}""",
            read.Is(200)["items"][0].GetProperty("feedback").GetRawText());
    }

    [Fact]
    public async Task A_cursor_is_good_only_for_its_chat_and_order()
    {
        var acme = await app.Org("acme");
        var (one, two) = (await acme.Chat(), await acme.Chat());
        foreach (var chat in new[] { one, one, two, two })
            await acme.Say(chat, "x");
        var admin = await acme.Admin();
        var cursor = (await admin.Get($"/orgs/me/chats/{one}/messages?limit=1")).Text("nextCursor");

        (await admin.Get($"/orgs/me/chats/{one}/messages?limit=1&cursor={cursor}")).Is(200);
        (await admin.Get($"/orgs/me/chats/{two}/messages?limit=1&cursor={cursor}")).IsInvalid("cursor");
        (await admin.Get($"/orgs/me/chats/{one}/messages?limit=1&order=desc&cursor={cursor}")).IsInvalid("cursor");
        (await admin.Get($"/orgs/me/chats/{one}/messages?order=up")).IsInvalid("order");
    }
}
