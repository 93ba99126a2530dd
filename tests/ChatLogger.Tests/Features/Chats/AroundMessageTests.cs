using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>A page around a message, from which one goes on in both directions.</summary>
public class AroundMessageTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Theory]
    [InlineData("asc")]
    [InlineData("desc")]
    public async Task The_pages_around_any_message_are_the_list(string order)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var all = new List<string>();
        for (var i = 0; i < 11; i++)
            all.Add(await acme.Say(chat, $"{i}"));
        if (order == "desc")
            all.Reverse();
        var admin = await acme.Admin();
        var path = $"/orgs/me/chats/{chat}/messages?order={order}";

        foreach (var limit in new[] { 1, 2, 3, 4, 20 })
        {
            for (var at = 0; at < all.Count; at++)
            {
                var page = (await admin.Get($"{path}&limit={limit}&around={all[at]}")).Is(200);
                Assert.Contains(all[at], Ids(page));
                Assert.Equal(Math.Min(at, limit / 2), Ids(page).IndexOf(all[at]));
                var found = Ids(page);
                for (var cursor = Cursor(page, "previousCursor"); cursor is not null;)
                {
                    var before = (await admin.Get($"{path}&limit={limit}&cursor={cursor}")).Is(200);
                    found.InsertRange(0, Ids(before));
                    Assert.NotNull(Cursor(before, "nextCursor"));
                    cursor = Cursor(before, "previousCursor");
                }
                for (var cursor = Cursor(page, "nextCursor"); cursor is not null;)
                {
                    var after = (await admin.Get($"{path}&limit={limit}&cursor={cursor}")).Is(200);
                    found.AddRange(Ids(after));
                    Assert.NotNull(Cursor(after, "previousCursor"));
                    cursor = Cursor(after, "nextCursor");
                }
                Assert.Equal(all, found);
            }
        }
    }

    [Fact]
    public async Task A_page_is_left_and_found_again()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        for (var i = 0; i < 6; i++)
            await acme.Say(chat, $"{i}");
        var admin = await acme.Admin();
        var path = $"/orgs/me/chats/{chat}/messages?limit=2";

        var first = (await admin.Get(path)).Is(200);
        var second = (await admin.Get($"{path}&cursor={Cursor(first, "nextCursor")}")).Is(200);
        var back = (await admin.Get($"{path}&cursor={Cursor(second, "previousCursor")}")).Is(200);

        Assert.Null(Cursor(first, "previousCursor"));
        Assert.Equal(first.Body, back.Body);
    }

    [Fact]
    public async Task Only_a_message_of_this_chat_will_do()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (chat, other) = (await acme.Chat(), await acme.Chat());
        var mine = await acme.Say(chat, "x");
        var admin = await acme.Admin();
        var path = $"/orgs/me/chats/{chat}/messages";
        var none = (await admin.Get($"{path}?around={Guid.CreateVersion7()}")).IsProblem(404, "not-found").Comparable;

        foreach (var message in new[] { await acme.Say(other, "x"), await globex.Say(await globex.Chat(), "x") })
            Assert.Equal(none, (await admin.Get($"{path}?around={message}")).IsProblem(404, "not-found").Comparable);
        (await (await acme.Member("user")).Caller.Get($"{path}?around={mine}")).IsProblem(404, "not-found");
        (await admin.Get($"{path}?around=x")).IsInvalid("around");
        (await admin.Delete($"/orgs/me/chats/{chat}")).Is(204);
        (await admin.Get($"{path}?around={mine}")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task It_does_not_stand_beside_a_cursor()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var message = await acme.Say(chat, "x");
        await acme.Say(chat, "y");
        var admin = await acme.Admin();
        var path = $"/orgs/me/chats/{chat}/messages?limit=1";
        var cursor = Cursor((await admin.Get(path)).Is(200), "nextCursor");

        (await admin.Get($"{path}&cursor={cursor}&around={message}")).IsInvalid("around");
    }

    private static List<string> Ids(Answer page) => [.. page["items"].EnumerateArray().Select(item => item.GetProperty("id").GetString()!)];

    private static string? Cursor(Answer page, string name) => page[name].GetString();
}
