namespace ChatLogger.Browser;

/// <summary>Nobody sees a button that they may not use.</summary>
public class RoleTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    [BrowserFact]
    public async Task A_viewer_reads()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat(new { title = "Read me" });
        await acme.Say(chat, "Hello");
        await app.Browse((await acme.Member("viewer")).Caller, async visit =>
        {
            await visit.Open($"/app/chats/{chat}");
            await Expect(visit.Screens).ToHaveTextAsync(["Chats", "Overview", "Settings"]);
            Assert.Equal(
                [
                    "To the first message", "Copy conversation: As text", "Copy conversation: As Markdown", "Copy conversation: As JSON",
                    "Print",
                ],
                await visit.Menu("section.conversation > header"));
            Assert.Equal(["Copy text", "Copy link to this message", "Show formatted"], await visit.Menu("article.message"));
            await visit.Go("/app/settings");
            await Expect(visit.Tabs).ToHaveTextAsync(["Organization", "Profile"]);
            await Expect(visit.Field("Name")).ToHaveJSPropertyAsync("readOnly", true);
            await Expect(visit.Button("Save")).ToHaveCountAsync(0);
            foreach (var section in new[] { "keys", "members", "webhooks", "audit" })
            {
                await visit.Go($"/app/settings/{section}");
                await Expect(visit.Heading("Your role cannot see this page.")).ToBeVisibleAsync();
            }
            await visit.Go("/app/exports");
            await Expect(visit.Heading("There is no such page.")).ToBeVisibleAsync();
        });
        await app.Browse((await (await app.Org("empty")).Member("viewer")).Caller, async visit =>
        {
            await visit.Open("/app/");
            await Expect(visit.Page.GetByText("An admin of your organization can make a key for your plugin.")).ToBeVisibleAsync();
            await Expect(visit.Button("Create a key")).ToHaveCountAsync(0);
        });
    }

    [BrowserFact]
    public async Task A_user_sees_their_own_chats()
    {
        var acme = await app.Org("acme");
        var other = await acme.Chat(new { title = "Of others" });
        var user = (await acme.Member("user")).Caller;
        var own = (await user.Post("/orgs/me/chats", new { title = "Of mine" })).Is(201).Text("id");
        await app.Browse(user, async visit =>
        {
            visit.Expects($"404 GET /orgs/me/chats/{other}");
            await visit.Open("/app/chats");
            await Expect(visit.Rows).ToContainTextAsync(["Of mine"]);
            await Expect(visit.Screens).ToHaveTextAsync(["Chats", "Settings"]);
            await visit.Go($"/app/chats/{own}");
            await Expect(visit.Heading("Of mine")).ToBeVisibleAsync();
            Assert.Contains("Delete chat", await visit.Menu("section.conversation > header"));
            await visit.Go($"/app/chats/{other}");
            await Expect(visit.Heading("This chat is deleted, or you may not see it.")).ToBeVisibleAsync();
            await visit.Go("/app/overview");
            await Expect(visit.Heading("There is no such page.")).ToBeVisibleAsync();
        });
    }

    [BrowserFact]
    public async Task An_admin_sees_every_screen_and_a_superadmin_steps_into_an_organization()
    {
        var acme = await app.Org("acme");
        await acme.Chat(new { title = "Within" });
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open("/app/settings");
            await Expect(visit.Screens).ToHaveTextAsync(["Chats", "Overview", "Exports", "Settings"]);
            await Expect(visit.Tabs).ToHaveTextAsync(
                ["API keys", "Members", "Organization", "Webhooks", "Privacy", "Audit log", "Profile"]);
        });
        await app.Browse(await app.Superadmin(), async visit =>
        {
            await visit.Open("/app/");
            await Expect(visit.Screens).ToHaveTextAsync(["Organizations", "Settings"]);
            await visit.Page.Locator("tbody tr", new() { HasText = acme.Slug }).GetByRole(AriaRole.Link).First.ClickAsync();
            await Expect(visit.Page.Locator(".banner")).ToContainTextAsync("You are in acme as a superadmin.");
            await Expect(visit.Rows).ToContainTextAsync(["Within"]);
            await Expect(visit.Screens).ToHaveTextAsync(["Chats", "Overview", "Exports", "Settings"]);
            await visit.Link("Leave").ClickAsync();
            await Expect(visit.Heading("Organizations")).ToBeVisibleAsync();
            await Expect(visit.Page.Locator(".banner")).ToHaveCountAsync(0);
        });
    }
}
