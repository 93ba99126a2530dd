namespace ChatLogger.Browser;

/// <summary>Draws the picture of the README: <c>CHATLOGGER_PICTURE=docs/dashboard.png</c>.</summary>
public class PictureTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    private static readonly string? Target = Environment.GetEnvironmentVariable("CHATLOGGER_PICTURE");

    [BrowserFact]
    public async Task The_conversation_of_the_demo_is_drawn()
    {
        var shop = await app.Org("nordlicht");
        var chat = await Demo.Fill(shop);
        var admin = await shop.Admin();
        (await admin.Patch("/orgs/me", new { name = "Nordlicht Outdoor", settings = new { timeZone = "Europe/Amsterdam" } })).Is(200);
        await app.Browse(admin, async visit =>
        {
            await visit.Open($"/app/chats/{chat}");
            await Expect(visit.Rows).ToHaveCountAsync(9);
            await Expect(visit.Messages).ToHaveCountAsync(5);
            await visit.IsLive();
            foreach (var call in await visit.Page.Locator("details.tool-call > summary").AllAsync())
                await call.ClickAsync();
            await Expect(visit.Page.Locator("details.tool-call[open]")).ToHaveCountAsync(2);
            await visit.Page.EvaluateAsync("document.querySelector('.thread').scrollTop = 0; document.activeElement.blur()");
            var picture = Png.Smaller(await visit.Page.ScreenshotAsync());
            if (Target is { Length: > 0 })
                await File.WriteAllBytesAsync(Path.Combine(Repository.Root, Target), picture);
            Assert.InRange(picture.Length, 20_000, 200_000);
        });
    }
}
