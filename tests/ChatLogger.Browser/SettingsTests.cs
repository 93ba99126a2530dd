namespace ChatLogger.Browser;

public class SettingsTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    [BrowserFact]
    public async Task A_key_is_made_and_shown_once_rotated_and_revoked()
    {
        var acme = await app.Org("acme");
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open("/app/settings/keys");
            await visit.Button("New key").ClickAsync();
            await visit.Field("Label").FillAsync("Website");
            await visit.Dialog("New key").GetByRole(AriaRole.Button, new() { Name = "New key" }).ClickAsync();
            var first = await Shown();
            await Writes(first, 201);

            await visit.Button("More: Website").ClickAsync();
            await visit.Button("Rotate").ClickAsync();
            await visit.Field("Hours for which the old key still works").FillAsync("0");
            await visit.Dialog("Rotate “Website”?").GetByRole(AriaRole.Button, new() { Name = "Rotate" }).ClickAsync();
            var second = await Shown();
            await Writes(first, 401);
            await Writes(second, 201);

            await visit.Button("More: Website").ClickAsync();
            await visit.Button("Revoke").ClickAsync();
            await visit.Dialog("Revoke “Website”?").GetByRole(AriaRole.Button, new() { Name = "Revoke" }).ClickAsync();
            await Expect(visit.Heading("No live keys")).ToBeVisibleAsync();
            await Writes(second, 401);

            async Task<string> Shown()
            {
                var key = await visit.Dialog("The new key").Locator("code").InnerTextAsync();
                await visit.Button("I have stored it").ClickAsync();
                await Expect(visit.Button("More: Website")).ToBeVisibleAsync();
                Assert.DoesNotContain(key, await visit.Page.ContentAsync(), StringComparison.Ordinal);
                return key;
            }
        });

        async Task Writes(string key, int status) =>
            (await app.Stranger.WithKey(key).Post($"{acme.ApiPath}/chats", new { })).Is(status);
    }

    [BrowserFact]
    public async Task A_member_is_added_disabled_enabled_and_removed()
    {
        var acme = await app.Org("acme");
        var email = $"new@{acme.Slug}.example";
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open("/app/settings/members");
            await visit.Button("Add member").ClickAsync();
            await visit.Field("Email").FillAsync(email);
            await visit.Dialog("Add member").GetByRole(AriaRole.Button, new() { Name = "Add member" }).ClickAsync();
            var password = await visit.Dialog("The new password").Locator("code").InnerTextAsync();
            await visit.Button("I have stored it").ClickAsync();
            await app.LogIn(email, password);

            var row = visit.Page.Locator("tbody tr", new() { HasText = email });
            await Expect(row).ToContainTextAsync("Active");
            await visit.Button($"More: {email}").ClickAsync();
            await visit.Button("Disable").ClickAsync();
            await visit.Dialog($"Disable {email}?").GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();
            await Expect(row).ToContainTextAsync("Disabled");
            (await app.Stranger.Post("/auth/login", new { email, password })).Is(401);

            await visit.Button($"More: {email}").ClickAsync();
            await visit.Button("Enable").ClickAsync();
            await Expect(row).ToContainTextAsync("Active");
            await app.LogIn(email, password);

            await visit.Button($"More: {email}").ClickAsync();
            await visit.Button("New password").ClickAsync();
            await visit.Dialog($"A new password for {email}?")
                .GetByRole(AriaRole.Button, new() { Name = "Set a new password" }).ClickAsync();
            var next = await visit.Dialog("The new password").Locator("code").InnerTextAsync();
            await visit.Button("I have stored it").ClickAsync();
            (await app.Stranger.Post("/auth/login", new { email, password })).Is(401);
            await app.LogIn(email, next);

            await visit.Button($"More: {email}").ClickAsync();
            await visit.Button("Remove").ClickAsync();
            await visit.Dialog($"Remove {email}?").GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();
            await Expect(row).ToHaveCountAsync(0);
            (await app.Stranger.Post("/auth/login", new { email, password = next })).Is(401);
        });
    }

    [BrowserFact]
    public async Task A_member_changes_their_name_address_and_password_and_ends_another_session()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("viewer");
        await app.LogIn(ann.Email);
        var email = $"renamed@{acme.Slug}.example";
        const string Password = "another long password";
        await app.Browse(ann.Caller, async visit =>
        {
            visit.Expects("400 PATCH /users/me");
            await visit.Open("/app/settings/profile");
            await Expect(visit.Page.Locator("tbody tr")).ToHaveCountAsync(2);
            await visit.Button("End").ClickAsync();
            await Expect(visit.Page.Locator("tbody tr")).ToHaveCountAsync(1);

            var person = visit.Page.Locator("form", new() { Has = visit.Heading("You") });
            await person.GetByLabel("Name", new() { Exact = true }).FillAsync("Ann Lee");
            await person.GetByLabel("Email", new() { Exact = true }).FillAsync(email);
            await person.GetByLabel("Current password", new() { Exact = true }).FillAsync("wrong");
            await person.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
            await Expect(person.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
            await Expect(person.GetByLabel("Name", new() { Exact = true })).ToHaveValueAsync("Ann Lee");
            await person.GetByLabel("Current password", new() { Exact = true }).FillAsync(Persona.Password);
            await person.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
            await Expect(person).ToContainTextAsync("Saved.");

            var form = visit.Page.Locator("form", new() { Has = visit.Heading("Password") });
            await form.GetByLabel("Current password", new() { Exact = true }).FillAsync(Persona.Password);
            await form.GetByLabel("New password", new() { Exact = true }).FillAsync(Password);
            await form.GetByRole(AriaRole.Button, new() { Name = "Change password" }).ClickAsync();
            await Expect(form).ToContainTextAsync("Saved.");
            await Expect(form.GetByLabel("New password", new() { Exact = true })).ToHaveValueAsync("");
            await app.LogIn(email, Password);
            (await app.Stranger.Post("/auth/login", new { email, password = Persona.Password })).Is(401);

            await visit.Button("Account").ClickAsync();
            await Expect(visit.Page.Locator(".menu .who")).ToContainTextAsync("Ann Lee");
        });
    }

    [BrowserFact]
    public async Task A_superadmin_makes_renames_and_deletes_an_organization()
    {
        var slug = $"new-{Guid.NewGuid():N}";
        var root = await app.Superadmin();
        await app.Browse(root, async visit =>
        {
            visit.Expects("409 POST /orgs");
            await visit.Open("/app/organizations");
            foreach (var isTaken in new[] { false, true })
            {
                await visit.Button("New organization").ClickAsync();
                var dialog = visit.Dialog("New organization");
                await dialog.GetByLabel("Name", new() { Exact = true }).FillAsync($"Before {slug}");
                await dialog.GetByLabel("Slug", new() { Exact = true }).FillAsync(slug);
                await dialog.GetByRole(AriaRole.Button, new() { Name = "New organization" }).ClickAsync();
                if (!isTaken)
                {
                    await Expect(dialog).ToBeHiddenAsync();
                    continue;
                }
                await Expect(dialog.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
                await Expect(dialog.GetByLabel("Slug", new() { Exact = true })).ToHaveValueAsync(slug);
                await visit.Page.Keyboard.PressAsync("Escape");
            }

            var row = visit.Page.Locator("tbody tr", new() { HasText = slug });
            await visit.Button($"More: Before {slug}").ClickAsync();
            await visit.Button("Rename").ClickAsync();
            await visit.Dialog("Rename").GetByLabel("Name", new() { Exact = true }).FillAsync($"After {slug}");
            await visit.Button("Save").ClickAsync();
            await Expect(row).ToContainTextAsync($"After {slug}");

            await visit.Button($"More: After {slug}").ClickAsync();
            await visit.Button("Delete organization").ClickAsync();
            var delete = visit.Dialog($"Delete After {slug}?").GetByRole(AriaRole.Button, new() { Name = "Delete organization" });
            await Expect(delete).ToBeDisabledAsync();
            await visit.Field($"Type {slug} to confirm").FillAsync(slug);
            await delete.ClickAsync();
            await Expect(row).ToHaveCountAsync(0);
            (await root.Get($"/orgs/{slug}")).Is(404);
        });
    }

    [BrowserFact]
    public async Task The_organization_is_renamed_and_the_log_of_it_is_found_by_a_filter()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var me = (await admin.Get("/users/me")).Is(200);
        await app.Browse(admin, async visit =>
        {
            await visit.Open("/app/settings/organization");
            await visit.Field("Name").FillAsync("Acme & Daughters");
            await visit.Button("Save").ClickAsync();
            await Expect(visit.Page.GetByText("Saved.")).ToBeVisibleAsync();
            await Expect(visit.Page.Locator("header.top .organization")).ToHaveTextAsync("Acme & Daughters");

            await visit.Go("/app/settings/audit");
            await Expect(visit.Page.Locator("tbody tr", new() { HasText = "Member added" })).ToHaveCountAsync(1);
            await visit.Field("What").SelectOptionAsync("Organization changed");
            await Expect(visit.Page).ToHaveURLAsync(visit.Url("/app/settings/audit?action=organization.changed"));
            await Expect(visit.Page.Locator("tbody tr")).ToHaveCountAsync(1);
            await Expect(visit.Page.Locator("tbody tr")).ToContainTextAsync("Organization changed");
            // Who it was is told by name, and chosen by the id.
            var name = me["name"].GetString() ?? me.Text("email");
            await visit.Page.Locator("tbody tr").GetByRole(AriaRole.Button, new() { Name = $"Member {name}" }).ClickAsync();
            await Expect(visit.Field("Who")).ToHaveValueAsync(me.Text("id"));
        });
    }

    [BrowserFact]
    public async Task Prices_of_models_are_set_and_the_overview_tells_costs_by_them()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        (await (await acme.Plugin()).Post(
            $"{acme.ApiPath}/chats/{chat}/messages",
            new { role = "assistant", content = "x", model = "gpt", promptTokens = 1_000_000, completionTokens = 500_000 })).Is(201);
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open("/app/settings/organization");
            await visit.Button("Add a model").ClickAsync();
            await visit.Field("Model").FillAsync("gpt");
            await visit.Field("Prompt").FillAsync("20000");
            await visit.Field("Completion").FillAsync("10");
            // The browser would not send it; another client could.
            await visit.Page.EvaluateAsync("document.querySelector('form').noValidate = true");
            visit.Expects("400 PATCH /orgs/me");
            await visit.Button("Save").ClickAsync();
            await Expect(visit.Page.GetByText("from 0 to 10000").First).ToBeVisibleAsync();
            await visit.Field("Prompt").FillAsync("2.5");
            await visit.Button("Save").ClickAsync();
            await Expect(visit.Page.GetByText("Saved.")).ToBeVisibleAsync();

            await visit.Go("/app/overview");
            await Expect(visit.Page.Locator(".number-card", new() { HasText = "Cost" })).ToContainTextAsync("7.50");
            await Expect(visit.Page.GetByRole(AriaRole.Region, new() { Name = "Models, by messages" })).ToContainTextAsync("7.50");
            await visit.Button("gpt").ClickAsync();
            await Expect(visit.Page).ToHaveURLAsync(visit.Url("/app/overview?model=gpt"));
        });
    }
}
