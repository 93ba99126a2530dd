namespace ChatLogger.Browser;

public class PrivacyTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    [BrowserFact]
    public async Task Redaction_is_chosen_refused_tried_and_in_force()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        await app.Browse(admin, async visit =>
        {
            visit.Expects("400 PATCH /orgs/me");
            await visit.Open("/app/settings/privacy");
            var form = visit.Page.Locator("form", new() { Has = visit.Heading("Redaction") });
            await form.GetByLabel("Email addresses").CheckAsync();
            await form.GetByRole(AriaRole.Button, new() { Name = "Add a pattern" }).ClickAsync();
            await form.GetByLabel("Name").FillAsync("order");
            await form.GetByLabel("Pattern", new() { Exact = true }).FillAsync("(a)\\1");
            await form.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
            await Expect(form.Locator(".field-error")).ToContainTextAsync("linear time");
            await form.GetByLabel("Pattern", new() { Exact = true }).FillAsync("ORD-[0-9]+");
            await form.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
            await Expect(form.GetByRole(AriaRole.Status)).ToHaveTextAsync("Saved.");

            await visit.Field("Text").FillAsync("ORD-17 of jane@example.com and john@example.com");
            await visit.Button("Show").ClickAsync();
            await Expect(visit.Page.Locator("pre.preview")).ToHaveTextAsync("[order] of [email] and [email]");
            await Expect(visit.Page.Locator("output")).ToContainTextAsync("email: 2, order: 1");

            await visit.Field("Days that chats are kept").FillAsync("365");
            var retention = visit.Page.Locator("form", new() { Has = visit.Heading("Retention") });
            await retention.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
            await Expect(retention.GetByRole(AriaRole.Status)).ToHaveTextAsync("Saved.");
        });
        var settings = (await admin.Get("/orgs/me")).Is(200)["settings"];
        Assert.Equal(365, settings.GetProperty("retentionDays").GetInt32());
        Assert.Equal("[\"email\"]", settings.GetProperty("redaction").GetProperty("kinds").GetRawText());
    }

    [BrowserFact]
    public async Task An_end_user_and_a_member_are_erased_after_a_question()
    {
        var acme = await app.Org("acme");
        var (admin, member) = (await acme.Admin(), await acme.Member("user"));
        await acme.Chat(new { externalUserId = "v-17" });
        (await member.Caller.Post("/orgs/me/chats", new { title = "mine" })).Is(201);
        var kept = await acme.Chat(new { externalUserId = "v-18" });
        await app.Browse(admin, async visit =>
        {
            await visit.Open("/app/settings/privacy");
            var form = visit.Page.Locator("form", new() { Has = visit.Heading("Erasure") });
            await form.GetByLabel("End user", new() { Exact = true }).FillAsync("v-17");
            await form.GetByRole(AriaRole.Button, new() { Name = "Erase…" }).ClickAsync();
            await visit.Dialog("Erase all chats of v-17?").GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
            Assert.Empty((await admin.Get("/orgs/me/erasures")).Is(200)["items"].EnumerateArray());

            (await admin.Post("/exports/orgs/me", new { format = "jsonl", mode = "async" })).Is(202);
            await Wait.Until(async () =>
                (await admin.Get("/exports/orgs/me")).Is(200)["items"][0].GetProperty("state").GetString() == "done");
            await form.GetByRole(AriaRole.Button, new() { Name = "Erase…" }).ClickAsync();
            var dialog = visit.Dialog("Erase all chats of v-17?");
            await dialog.GetByRole(AriaRole.Button, new() { Name = "Erase", Exact = true }).ClickAsync();
            await Expect(visit.Page.Locator("tbody tr")).ToHaveCountAsync(1);
            await Expect(form.GetByLabel("End user", new() { Exact = true })).ToHaveValueAsync("");

            await form.GetByText("A member").ClickAsync();
            await form.GetByLabel("Choose a member").SelectOptionAsync(member.Id.ToString());
            await form.GetByRole(AriaRole.Button, new() { Name = "Erase…" }).ClickAsync();
            dialog = visit.Page.GetByRole(AriaRole.Dialog);
            await dialog.GetByRole(AriaRole.Button, new() { Name = "Erase", Exact = true }).ClickAsync();
            await Expect(visit.Page.Locator("tbody tr")).ToHaveCountAsync(2);

            // The page asks again until both are done; then the list of removed ids can be fetched.
            await Expect(visit.Page.Locator("tbody tr .state.done")).ToHaveCountAsync(2);
            await Expect(visit.Page.Locator("tbody tr").First).ToContainTextAsync("1 chat, 0 messages");
            var download = await visit.Page.RunAndWaitForDownloadAsync(
                () => visit.Page.Locator("tbody tr").First.GetByText("Removed ids").ClickAsync());
            Assert.Contains("\"receipt\"", await File.ReadAllTextAsync(await download.PathAsync()), StringComparison.Ordinal);
            await visit.Go("/app/exports");
            await Expect(visit.Page.Locator("li.export")).ToContainTextAsync("or a chat in it was deleted.");
        });
        var left = (await admin.Get("/orgs/me/chats")).Is(200)["items"];
        Assert.Equal([kept], left.EnumerateArray().Select(each => each.GetProperty("id").GetString()));
    }
}
