using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;

namespace ChatLogger.Browser;

public sealed class WebhookTests(DashboardApp app) : IClassFixture<DashboardApp>, IDisposable
{
    private readonly HttpListener _receiver = new();
    private readonly ConcurrentQueue<JsonElement> _received = new();
    private volatile int _status = 200;

    public void Dispose() => _receiver.Close();

    [BrowserFact]
    public async Task A_webhook_is_made_with_a_secret_shown_once_tried_paused_resumed_given_a_new_secret_and_deleted()
    {
        var url = Receive();
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        await app.Browse(admin, async visit =>
        {
            var host = new Uri(url).Authority;
            await visit.Open("/app/settings/webhooks");
            await Expect(visit.Heading("No webhooks")).ToBeVisibleAsync();
            await visit.Button("New webhook").ClickAsync();
            var dialog = visit.Dialog("New webhook");
            await dialog.GetByLabel("Address", new() { Exact = true }).FillAsync(url);
            await dialog.GetByLabel("chat.created").CheckAsync();
            await dialog.GetByLabel("With content").CheckAsync();
            Assert.Empty(await visit.Axe());
            await dialog.GetByRole(AriaRole.Button, new() { Name = "New webhook" }).ClickAsync();
            var first = await Shown();

            await acme.Say(await acme.Chat(new { title = "Told" }), "hello");
            await Wait.Until(() => _received.Count == 2);
            await Menu("Send a test");
            var deliveries = visit.Dialog($"Deliveries to {host}");
            await Wait.Until(() => _received.Count == 3);
            await deliveries.GetByRole(AriaRole.Button, new() { Name = "Refresh" }).ClickAsync();
            await Expect(deliveries.Locator("tbody tr")).ToHaveCountAsync(3);
            await Expect(deliveries.Locator("tbody tr", new() { HasText = "chat.created" })).ToContainTextAsync("Delivered");
            Assert.Empty(await visit.Axe());
            await deliveries.Locator("tbody tr", new() { HasText = "message.created" })
                .GetByRole(AriaRole.Button, new() { Name = "Send again" }).ClickAsync();
            await Wait.Until(() => _received.Count == 4);
            await visit.Page.Keyboard.PressAsync("Escape");
            await Expect(deliveries).ToBeHiddenAsync();

            await Menu("Pause");
            var row = visit.Page.Locator("tbody tr");
            await Expect(row).ToContainTextAsync("Paused");
            await acme.Chat(new { title = "Later" });
            Assert.Equal(4, _received.Count);
            await Menu("Resume");
            await Expect(row).ToContainTextAsync("Active");
            await Wait.Until(() => _received.Count == 5);
            Assert.Equal("Later", _received.Last().GetProperty("data").GetProperty("chat").GetProperty("title").GetString());

            await Menu("New secret");
            await visit.Dialog($"A new secret for {host}?").GetByRole(AriaRole.Button, new() { Name = "New secret" }).ClickAsync();
            Assert.NotEqual(first, await Shown());

            await Menu("Delete");
            await visit.Dialog($"Delete the webhook to {host}?").GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
            await Expect(visit.Heading("No webhooks")).ToBeVisibleAsync();
            Assert.Empty((await admin.Get("/orgs/me/webhooks")).Is(200)["items"].EnumerateArray());

            async Task Menu(string what)
            {
                await visit.Button($"More: {host}").ClickAsync();
                await visit.Button(what).ClickAsync();
            }

            async Task<string> Shown()
            {
                var secret = await visit.Dialog("The new secret").Locator("code").InnerTextAsync();
                Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
                await visit.Button("I have stored it").ClickAsync();
                await Expect(visit.Button($"More: {host}")).ToBeVisibleAsync();
                Assert.DoesNotContain(secret, await visit.Page.ContentAsync(), StringComparison.Ordinal);
                return secret;
            }
        });
    }

    [BrowserFact]
    public async Task A_refused_address_is_told_at_its_field_and_a_failing_webhook_says_since_when()
    {
        var url = Receive();
        _status = 500;
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        (await admin.Post("/orgs/me/webhooks", new { url, events = new[] { "chat.created" } })).Is(201);
        await acme.Chat();
        await app.Until("select exists (select from webhooks where org_id = @Id and failing_since is not null)", new { acme.Id });
        await app.Browse(admin, async visit =>
        {
            visit.Expects("400 POST /orgs/me/webhooks");
            await visit.Open("/app/settings/webhooks");
            await Expect(visit.Page.Locator("tbody tr")).ToContainTextAsync("Failing since");
            await visit.Button("New webhook").ClickAsync();
            var dialog = visit.Dialog("New webhook");
            await dialog.GetByLabel("Address", new() { Exact = true }).FillAsync("ftp://example.org");
            await dialog.GetByRole(AriaRole.Button, new() { Name = "New webhook" }).ClickAsync();
            await Expect(dialog.Locator(".field-error")).ToContainTextAsync("Must be an absolute https URL.");
        });
    }

    private string Receive()
    {
        var url = $"http://127.0.0.1:{FreePort()}/";
        _receiver.Prefixes.Add(url);
        _receiver.Start();
        _ = Task.Run(async () =>
        {
            while (_receiver.IsListening)
            {
                var context = await _receiver.GetContextAsync();
                using var document = await JsonDocument.ParseAsync(context.Request.InputStream);
                _received.Enqueue(document.RootElement.Clone());
                context.Response.StatusCode = _status;
                context.Response.Close();
            }
        });
        return url;
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
