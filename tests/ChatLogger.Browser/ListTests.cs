using System.Text.RegularExpressions;

namespace ChatLogger.Browser;

public class ListTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    [BrowserFact]
    public async Task The_keyboard_alone_reaches_everything()
    {
        var acme = await app.Org("acme");
        foreach (var title in new[] { "Third", "Second", "First" })
            await acme.Say(await acme.Chat(new { title }), $"Hello from {title}");
        await app.Browse(await acme.Admin(), async visit =>
        {
            var keys = visit.Page.Keyboard;
            var chosen = visit.Page.Locator(".chat-row.at-cursor");
            await visit.Open("/app/chats");
            await Expect(visit.Rows).ToHaveCountAsync(3);

            await keys.PressAsync("j");
            await Expect(chosen).ToContainTextAsync("First");
            await keys.PressAsync("j");
            await Expect(chosen).ToContainTextAsync("Second");
            await keys.PressAsync("k");
            await keys.PressAsync("Enter");
            await Expect(visit.Heading("First")).ToBeVisibleAsync();
            await Expect(visit.Messages).ToContainTextAsync(["Hello from First"]);
            await keys.PressAsync("Escape");
            await Expect(visit.Page).ToHaveURLAsync(visit.Url("/app/chats"));

            await keys.PressAsync("/");
            await Expect(visit.Field("Search")).ToBeFocusedAsync();
            await keys.TypeAsync("jk");
            await Expect(visit.Heading("No chat matches.")).ToBeVisibleAsync();
            await keys.PressAsync("Escape");
            await Expect(visit.Field("Search")).Not.ToBeFocusedAsync();

            await keys.PressAsync("g");
            await keys.PressAsync("o");
            var compare = visit.Page.GetByRole(AriaRole.Checkbox, new() { Name = "Compare with the previous period" });
            await Expect(compare).Not.ToBeCheckedAsync();
            await keys.PressAsync("x");
            await Expect(compare).ToBeCheckedAsync();
            await keys.PressAsync("?");
            await Expect(visit.Dialog("Keyboard")).ToBeVisibleAsync();
            await keys.PressAsync("Escape");
            await Expect(visit.Dialog("Keyboard")).ToBeHiddenAsync();
            await keys.PressAsync("g");
            await keys.PressAsync("s");
            await Expect(visit.Heading("Settings")).ToBeVisibleAsync();
        });
    }

    [BrowserFact]
    public async Task Filters_are_in_the_address_and_each_can_be_removed()
    {
        var acme = await app.Org("acme");
        await Demo.Fill(acme);
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open("/app/chats");
            await Expect(visit.Rows).ToHaveCountAsync(9);
            await visit.Button("Filters").ClickAsync();
            await visit.Dialog("Filters").GetByText("Up", new() { Exact = true }).ClickAsync();
            await visit.Field("Tag").FillAsync("billing");
            await visit.Button("Apply").ClickAsync();

            await Expect(visit.Page).ToHaveURLAsync(visit.Url("/app/chats?tag=billing&rating=up"));
            await Expect(visit.Rows).ToHaveCountAsync(2);
            await visit.Page.ReloadAsync();
            await Expect(visit.Rows).ToHaveCountAsync(2);
            await visit.Page.Locator(".chips button", new() { HasText = "Rating" }).ClickAsync();
            await Expect(visit.Page).ToHaveURLAsync(visit.Url("/app/chats?tag=billing"));
            await Expect(visit.Rows).ToHaveCountAsync(3);
            await visit.Page.Locator(".chips button", new() { HasText = "billing" }).ClickAsync();
            await Expect(visit.Page).ToHaveURLAsync(visit.Url("/app/chats"));
            await Expect(visit.Rows).ToHaveCountAsync(9);
        });
    }

    [BrowserFact]
    public async Task A_search_marks_what_it_found_and_opens_at_the_message()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat(new { title = "Long" });
        var hit = "";
        for (var i = 0; i < 150; i++)
        {
            var id = await acme.Say(chat, i == 20 ? "The zeppelin is late." : $"Message {i}");
            hit = i == 20 ? id : hit;
        }
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open("/app/chats");
            await visit.Field("Search").FillAsync("zeppelin");
            await Expect(visit.Page.Locator(".chat-row mark")).ToHaveTextAsync("zeppelin");
            await visit.Rows.First.ClickAsync();
            await Expect(visit.Page).ToHaveURLAsync(new Regex($@"\?q=zeppelin#m-{hit}$"));
            await Expect(visit.Page.Locator($"#m-{hit}")).ToBeInViewportAsync();
            await visit.Page.ReloadAsync();
            await Expect(visit.Page.Locator($"#m-{hit}")).ToBeInViewportAsync();
        });
    }
}
