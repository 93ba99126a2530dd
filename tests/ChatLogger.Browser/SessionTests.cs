namespace ChatLogger.Browser;

public class SessionTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    [BrowserFact]
    public async Task A_session_that_ends_elsewhere_asks_for_the_login_and_keeps_what_is_typed()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("admin");
        var chat = await acme.Chat(new { title = "Before" });
        await acme.Say(chat, "Hello");
        await app.Browse(ann.Caller, async visit =>
        {
            visit.Expects("401 ");
            await visit.Open($"/app/chats/{chat}");
            await visit.Choose("Edit title and tags");
            await visit.Field("Title").FillAsync("A title that took long");
            foreach (var session in (await ann.Caller.Get("/users/me/sessions")).Is(200)["items"].EnumerateArray())
                (await ann.Caller.Delete($"/users/me/sessions/{session.GetProperty("id").GetString()}")).Is(204);

            await visit.Button("Save").ClickAsync();

            var again = visit.Dialog("Sign in again");
            await Expect(again).ToBeVisibleAsync();
            await again.GetByLabel("Password", new() { Exact = true }).FillAsync(Persona.Password);
            await again.GetByRole(AriaRole.Button, new() { Name = "Sign in", Exact = true }).ClickAsync();
            await Expect(again).ToBeHiddenAsync();
            await Expect(visit.Field("Title")).ToHaveValueAsync("A title that took long");
            await visit.Button("Save").ClickAsync();
            await Expect(visit.Heading("A title that took long")).ToBeVisibleAsync();
            Assert.EndsWith($"/app/chats/{chat}", visit.Page.Url, StringComparison.Ordinal);
            await visit.IsLive();
        });
    }
}
