
namespace ChatLogger.Browser;

/// <summary>
/// Every screen: axe finds nothing, the console is silent, no request fails or goes elsewhere, and nothing is wider than the page.
/// </summary>
public abstract class ScreenTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    private protected async Task All(Look look)
    {
        var acme = await app.Org("acme");
        var chat = await Demo.Fill(acme);
        var admin = await acme.Admin();
        await acme.Member("viewer");
        (await admin.Post("/exports/orgs/me", new { format = "jsonl", mode = "async" })).Is(202);
        await Wait.Until(async () => (await admin.Get("/exports/orgs/me")).Is(200)["items"][0].GetProperty("state").GetString() == "done");
        (await admin.Post("/orgs/me/webhooks", new { url = "https://hooks.example/", events = new[] { "export.finished" } })).Is(201);
        (await admin.Post("/orgs/me/erasures", new { externalUserId = "nobody" })).Is(202);
        var empty = await (await app.Org("empty")).Admin();
        var root = await app.Superadmin();
        var found = new List<string>();

        await app.Browse(null, async visit =>
        {
            await Is("sign-in", "/app/", visit.Heading("Sign in to Chat Logger"));

            await visit.As(empty);
            await Is("first-run", "/app/", visit.Heading("Log the first conversation"));

            await visit.As(admin);
            await Is("chats", "/app/chats", visit.Rows.First);
            await Is("filters", "/app/chats", visit.Dialog("Filters"), () => visit.Button("Filters").ClickAsync());
            await Is("nothing-found", "/app/chats?tag=none", visit.Heading("No chat matches."));
            await Is("conversation", $"/app/chats/{chat}", visit.Messages.First,
                () => visit.Page.Locator("details.tool-call summary").First.ClickAsync());
            await Is("facts", $"/app/chats/{chat}", visit.Page.Locator("aside.facts"), async () =>
            {
                if (look.Width < 1200)
                    await visit.Button("Show facts").ClickAsync();
            });
            await Is("edit", $"/app/chats/{chat}", visit.Dialog("Edit title and tags"), async () =>
            {
                await visit.Button("More").First.ClickAsync();
                await visit.Button("Edit title and tags").ClickAsync();
            });
            await Is("overview", "/app/overview?compare=1", visit.Page.Locator(".number-card").First,
                () => Expect(visit.Page.Locator("canvas").First).ToBeVisibleAsync());
            await Is("exports", "/app/exports", visit.Page.Locator("li.export").First);
            await Is("export-new", "/app/exports", visit.Dialog("New export"), () => visit.Button("New export").ClickAsync());
            await Is("keys", "/app/settings/keys", visit.Page.Locator("tbody tr").First);
            await Is("key-new", "/app/settings/keys", visit.Dialog("New key"), () => visit.Button("New key").ClickAsync());
            await Is("members", "/app/settings/members", visit.Page.Locator("tbody tr").First);
            await Is("member-new", "/app/settings/members", visit.Dialog("Add member"), () => visit.Button("Add member").ClickAsync());
            await Is("organization", "/app/settings/organization", visit.Field("Name"));
            await Is("webhooks", "/app/settings/webhooks", visit.Page.Locator("tbody tr").First);
            await Is("webhook-new", "/app/settings/webhooks", visit.Dialog("New webhook"), () => visit.Button("New webhook").ClickAsync());
            await Is("privacy", "/app/settings/privacy", visit.Page.Locator("tbody tr").First);
            await Is("erase", "/app/settings/privacy", visit.Dialog("Erase all chats of somebody?"), async () =>
            {
                await visit.Field("End user").FillAsync("somebody");
                await visit.Button("Erase…").ClickAsync();
            });
            await Is("audit", "/app/settings/audit", visit.Page.Locator("tbody tr").First);
            await Is("profile", "/app/settings/profile", visit.Page.Locator("tbody tr").First);
            await Is("account", "/app/settings/profile", visit.Button("Sign out"), () => visit.Button("Account").ClickAsync());
            await Is("keyboard", "/app/settings/profile", visit.Dialog("Keyboard"), async () =>
            {
                await Expect(visit.Heading("Settings")).ToBeVisibleAsync();
                await visit.Page.Keyboard.PressAsync("?");
            });
            await Is("not-there", "/app/none", visit.Heading("There is no such page."));

            await visit.As(root);
            await Is("organizations", "/app/organizations", visit.Link("acme").First);
            await Is("stepped-in", $"/app/o/{acme.Slug}/chats", visit.Rows.First,
                () => Expect(visit.Page.Locator(".banner")).ToBeVisibleAsync());
            Assert.True(found.Count == 0, string.Join('\n', found.Distinct()));

            async Task Is(string name, string path, ILocator ready, Func<Task>? then = null)
            {
                await visit.Go(path);
                // What opens a dialog or a menu is what it is ready for; anything else is done to what is ready.
                if (then is not null)
                    await then();
                await Expect(ready).ToBeVisibleAsync();
                await Expect(visit.Page.Locator(".skeleton")).ToHaveCountAsync(0);
                await visit.Picture($"{name}-{look}");
                found.AddRange((await visit.Axe()).Select(each => $"{name}: {each}"));
                if (await visit.TooWide() is { } wide)
                    found.Add($"{name}: wider than the page: {wide}");
                found.AddRange(visit.Complaints.Select(complaint => $"{name}: {complaint}"));
            }
        }, look);
    }
}

public class WideScreenTests(DashboardApp app) : ScreenTests(app)
{
    [BrowserTheory]
    [InlineData(false)]
    [InlineData(true)]
    public Task Every_screen_is_sound_on_a_wide_page(bool isDark) => All(new(isDark));
}

public class NarrowScreenTests(DashboardApp app) : ScreenTests(app)
{
    [BrowserTheory]
    [InlineData(false)]
    [InlineData(true)]
    public Task Every_screen_is_sound_on_a_narrow_page(bool isDark) => All(new(isDark, 320, 640));
}
