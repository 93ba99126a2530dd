namespace ChatLogger.Browser;

public class ExportTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    [BrowserFact]
    public async Task An_export_is_made_from_the_filters_and_downloaded()
    {
        var acme = await app.Org("acme");
        await acme.Say(await acme.Chat(new { tags = new[] { "kept" } }), "Within the export");
        await acme.Say(await acme.Chat(), "Not within the export");
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open("/app/exports?tag=kept");
            var dialog = visit.Dialog("New export");
            await dialog.GetByText("jsonl", new() { Exact = true }).ClickAsync();
            await dialog.GetByRole(AriaRole.Button, new() { Name = "New export" }).ClickAsync();
            await Expect(visit.Page.Locator("li.export .state")).ToHaveTextAsync("Ready");

            var download = await visit.Page.RunAndWaitForDownloadAsync(() => visit.Link("Download").ClickAsync());

            var lines = (await File.ReadAllTextAsync(await download.PathAsync())).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Contains("Within the export", Assert.Single(lines), StringComparison.Ordinal);
        });
    }
}
