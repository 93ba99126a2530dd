using System.Text.Json;

namespace ChatLogger.Tests.Features.Webhooks;

/// <summary>Admins make, change and delete webhooks, and look after deliveries.</summary>
public sealed partial class WebhookTests(WebhookApp app) : IClassFixture<WebhookApp>, IAsyncLifetime
{
    private Receiver _receiver = null!;

    public async Task InitializeAsync() => _receiver = await Receiver.Start();

    public async Task DisposeAsync() => await _receiver.DisposeAsync();

    [Fact]
    public async Task A_webhook_is_made_read_changed_and_deleted_and_its_secret_is_shown_once()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var made = (await admin.Post(
            WebhookFixture.Path,
            new { url = "https://hooks.example/a", events = new[] { "chat.idle", "chat.created" }, description = "orders" })).Is(201);
        var path = $"{WebhookFixture.Path}/{made.Text("id")}";

        Assert.Equal(path, made.Header("Location"));
        Assert.Matches("^whsec_[A-Za-z0-9+/]{43}=$", made.Text("secret"));
        var shown = (await admin.Get(path)).Is(200);
        Assert.Equal(
            ["createdAt", "description", "events", "failingSince", "id", "idleMinutes", "state", "url", "withContent"],
            shown.Json.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
        Assert.Equal(("active", 30, false), (shown.Text("state"), shown["idleMinutes"].GetInt32(), shown["withContent"].GetBoolean()));
        Assert.Equal(["chat.idle", "chat.created"], shown["events"].EnumerateArray().Select(each => each.GetString()));
        Assert.Equal(shown.Body, (await admin.Get(WebhookFixture.Path)).Is(200)["items"][0].GetRawText());
        Assert.Equal(shown.Body, (await admin.Patch(path, new { })).Is(200).Body);

        var changed = (await admin.Patch(
            path, new { url = "https://hooks.example/b", description = "", withContent = true, idleMinutes = 5, state = "paused" }))
            .Is(200);
        Assert.Equal(
            ("https://hooks.example/b", JsonValueKind.Null, true, 5, "paused"),
            (changed.Text("url"), changed["description"].ValueKind, changed["withContent"].GetBoolean(),
                changed["idleMinutes"].GetInt32(), changed.Text("state")));
        Assert.Equal("chat.idle", changed["events"][0].GetString());

        var elsewhere = await (await app.Org("globex")).Admin();
        Assert.Empty((await elsewhere.Get(WebhookFixture.Path)).Is(200)["items"].EnumerateArray());
        (await elsewhere.Get(path)).IsProblem(404, "not-found");
        (await elsewhere.Get($"{path}/deliveries")).IsProblem(404, "not-found");
        (await admin.Delete(path)).Is(204);
        (await admin.Delete(path)).Is(404);
        (await admin.Get(path)).Is(404);
    }

    [Theory]
    [InlineData("""{"events":["chat.created"]}""", "url")]
    [InlineData("""{"url":"","events":["chat.created"]}""", "url")]
    [InlineData("""{"url":"https://hooks.example"}""", "events")]
    [InlineData("""{"url":"https://hooks.example","events":[]}""", "events")]
    [InlineData("""{"url":"https://hooks.example","events":["chat.created","chat.created"]}""", "events")]
    [InlineData("""{"url":"https://hooks.example","events":["webhook.test"]}""", "events")]
    [InlineData("""{"url":"https://hooks.example","events":["chat.deleted"]}""", "events")]
    [InlineData("""{"url":"https://hooks.example","events":["chat.idle"],"idleMinutes":0}""", "idleMinutes")]
    [InlineData("""{"url":"https://hooks.example","events":["chat.idle"],"idleMinutes":1441}""", "idleMinutes")]
    public async Task A_wrong_one_is_refused(string body, string member) =>
        (await (await (await app.Org("acme")).Admin()).Post(WebhookFixture.Path, body)).IsInvalid(member);

    [Fact]
    public async Task There_may_be_ten_also_if_they_come_at_once()
    {
        var admin = await (await app.Org("acme")).Admin();

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => admin.Post(
            WebhookFixture.Path, new { url = "https://hooks.example", events = new[] { "export.finished" } })));

        Assert.Equal(10, answers.Count(answer => answer.Status == 201));
        Assert.All(answers.Where(answer => answer.Status != 201), answer => answer.IsProblem(409, "webhook-quota"));
    }

    [Fact]
    public async Task A_test_is_sent_and_a_delivery_is_sent_again_with_its_id()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var webhook = await admin.Webhook(_receiver.Url, ["message.created"]);

        var test = (await admin.Post($"{WebhookFixture.Path}/{webhook.Text("id")}/test")).Is(202);
        var told = await _receiver.Next();
        Assert.Equal((test.Text("id"), "webhook.test"), (told.Id, told.Type));
        Assert.Equal("pending", test.Text("status"));

        var chat = await acme.Chat();
        await acme.Say(chat, "said");
        var first = await _receiver.Next();
        await app.Reach(webhook, "delivered", 2);
        var elsewhere = await (await app.Org("globex")).Admin();
        (await elsewhere.Post($"{WebhookFixture.Path}/deliveries/{first.Id}/replay")).IsProblem(404, "not-found");
        _receiver.Answer = Receiver.Status(500);
        (await admin.Post($"{WebhookFixture.Path}/deliveries/{first.Id}/replay")).Is(202);
        Assert.Equal(first.Id, (await _receiver.Next()).Id);

        // What comes after it in its chat does not wait for what is sent again.
        _receiver.Answer = (received, context) => Receiver.Status(received.Id == first.Id ? 500 : 200)(received, context);
        app.Clock.Advance(TimeSpan.FromSeconds(7));
        await acme.Say(chat, "later");
        await Wait.Until(() => _receiver.All.Any(each => each.Type == "message.created" && each.Content == "later"));
        Assert.Equal("pending", await Status(first.Id));
        // Asked for again, it is sent at once.
        _receiver.Answer = Receiver.Status(200);
        (await admin.Post($"{WebhookFixture.Path}/deliveries/{first.Id}/replay")).Is(202);
        await app.Reach(webhook, "delivered", 3);
        (await admin.Post($"{WebhookFixture.Path}/deliveries/{Guid.CreateVersion7()}/replay")).IsProblem(404, "not-found");

        Task<string?> Status(string id) => app.Value<string>("select status from webhook_deliveries where id = @id::uuid", new { id });
    }

    [Fact]
    public async Task Deliveries_are_listed_newest_first_in_pages_and_by_status()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var webhook = await admin.Webhook(_receiver.Url, ["message.created"]);
        var chat = await acme.Chat();
        for (var i = 0; i < 5; i++)
            await acme.Say(chat, $"{i}");
        await app.Reach(webhook, "delivered", 5);

        var listed = new List<string>();
        for (var cursor = ""; cursor is not null;)
        {
            var page = (await admin.Deliveries(webhook, $"?limit=2{cursor}")).Is(200);
            Assert.All(page["items"].EnumerateArray(), delivery =>
            {
                Assert.Equal(webhook.Text("id"), delivery.GetProperty("webhookId").GetString());
                Assert.Equal(("message.created", "delivered", 1, 204), (
                    delivery.GetProperty("event").GetString(), delivery.GetProperty("status").GetString(),
                    delivery.GetProperty("attempts").GetInt32(), delivery.GetProperty("responseStatus").GetInt32()));
            });
            listed.AddRange(page["items"].EnumerateArray().Select(delivery => delivery.GetProperty("id").GetString()!));
            cursor = page["nextCursor"].GetString() is { } next ? $"&cursor={next}" : null;
        }
        Assert.Equal(_receiver.All.Select(each => each.Id).Reverse(), listed);
        Assert.Empty((await admin.Deliveries(webhook, "?status=failed")).Is(200)["items"].EnumerateArray());
        (await admin.Deliveries(webhook, "?status=unknown")).IsInvalid("status");
        (await admin.Deliveries(webhook, "?cursor=none")).IsInvalid("cursor");
    }
}
