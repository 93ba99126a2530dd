namespace ChatLogger.Browser;

public class FirstRunTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    [BrowserFact]
    public Task A_new_organization_makes_a_key_and_sees_its_first_chat_arrive() => Walk(app);

    /// <summary>Signs in, makes a key, writes with it, and sees the chat without loading the page anew.</summary>
    internal static async Task Walk(DashboardApp app)
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("admin");
        await app.Browse(null, async visit =>
        {
            await visit.Page.GotoAsync(visit.Url("/"));
            await visit.SignIn(ann.Email, Persona.Password);
            await Expect(visit.Heading("Log the first conversation")).ToBeVisibleAsync();
            await visit.IsLive();
            await visit.Button("Create a key").ClickAsync();
            var key = await visit.Page.Locator(".new-key code").InnerTextAsync();
            var command = visit.Page.Locator(".commands");
            await Expect(command).ToContainTextAsync($"{visit.Url($"/api/v1/orgs/{acme.Slug}/batch")}");
            await Expect(command).ToContainTextAsync(key);
            await visit.Page.GetByRole(AriaRole.Tab, new() { Name = "OpenTelemetry" }).ClickAsync();
            await Expect(command).ToContainTextAsync($"OTEL_EXPORTER_OTLP_ENDPOINT='{visit.Url("")}'");
            await Expect(command).ToContainTextAsync($"OTEL_EXPORTER_OTLP_HEADERS='x-organization-api-key={key}'");
            await visit.Page.EvaluateAsync("globalThis.isTheSamePage = true");

            var sent = await app.Stranger.WithKey(key).Post(
                $"{app.Base}{acme.ApiPath}/batch",
                """
                {"items":[{"type":"chat","ref":"c","title":"Hello"},
                          {"type":"message","chatRef":"c","role":"user","content":"Anybody?"}]}
                """);
            sent.Is(207);

            await Expect(visit.Rows).ToContainTextAsync(["Hello"]);
            Assert.True(await visit.Page.EvaluateAsync<bool>("globalThis.isTheSamePage"));
            await visit.Rows.First.ClickAsync();
            await Expect(visit.Messages).ToContainTextAsync(["Anybody?"]);
            await visit.Page.ReloadAsync();
            await Expect(visit.Messages).ToContainTextAsync(["Anybody?"]);
        });
    }
}
