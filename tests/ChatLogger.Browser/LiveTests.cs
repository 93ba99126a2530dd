namespace ChatLogger.Browser;

public class LiveTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    [BrowserFact]
    public async Task What_another_writes_is_announced_in_the_list_and_appears_in_the_open_chat()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat(new { title = "First" });
        await acme.Say(chat, "One");
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open($"/app/chats/{chat}");
            await Expect(visit.Messages).ToHaveCountAsync(1);
            await visit.IsLive();

            await acme.Say(chat, "Two", "assistant");
            await Expect(visit.Messages).ToContainTextAsync(["One", "Two"]);

            await acme.Say(await acme.Chat(new { title = "Second" }), "Three");
            await visit.Button("1 new chat").ClickAsync();
            await Expect(visit.Rows.Filter(new() { HasText = "Second" })).ToBeVisibleAsync();
            await Expect(visit.Button("1 new chat")).ToBeHiddenAsync();
        });
    }

    [BrowserFact]
    public async Task A_lost_connection_is_shown_and_heals_by_itself()
    {
        var acme = await app.Org("acme");
        await acme.Say(await acme.Chat(new { title = "Alpha" }), "One");
        await acme.Say(await acme.Chat(new { title = "Beta" }), "Two");
        await app.Browse(await acme.Admin(), async visit =>
        {
            visit.Expects("net::ERR_INTERNET_DISCONNECTED", "net::ERR_NETWORK_CHANGED", "net::ERR_FAILED");
            await visit.Open("/app/chats");
            await Expect(visit.Rows).ToHaveCountAsync(2);
            await visit.IsLive();

            await visit.Context.SetOfflineAsync(true);
            await visit.Field("Search").FillAsync("Alpha");
            await Expect(visit.Page.GetByText("No connection", new() { Exact = true })).ToBeVisibleAsync();
            await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("cannot be reached");

            await visit.Context.SetOfflineAsync(false);
            await Expect(visit.Rows).ToHaveCountAsync(1);
            await Expect(visit.Page.GetByText("No connection", new() { Exact = true })).ToBeHiddenAsync();
            await Expect(visit.Field("Search")).ToHaveValueAsync("Alpha");
        });
    }
}
