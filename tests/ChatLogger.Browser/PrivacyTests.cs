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
}
