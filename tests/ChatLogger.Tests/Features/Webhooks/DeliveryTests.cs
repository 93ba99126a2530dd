namespace ChatLogger.Tests.Features.Webhooks;

/// <summary>What happens is told once, signed, in order, and as it is when it is sent.</summary>
public sealed class DeliveryTests(WebhookApp app) : IClassFixture<WebhookApp>, IAsyncLifetime
{
    private Receiver _receiver = null!;

    public async Task InitializeAsync() => _receiver = await Receiver.Start();

    public async Task DisposeAsync() => await _receiver.DisposeAsync();

    [Fact]
    public async Task Each_event_of_a_chat_is_told_in_order_in_the_form_of_the_API()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var admin = await acme.Admin();
        await acme.Chat();
        await admin.Webhook(_receiver.Url);
        await globex.Say(await globex.Chat(), "Of another organization");

        var chat = await acme.Chat(new { title = "Order", externalId = "o-1", metadata = new { n = 1.50m } });
        var message = await acme.Say(chat, "Where is it?");
        var plugin = await acme.Plugin();
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/messages/{message}/feedback", new { rating = "down" })).Is(200);
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating = "up", comment = "ok" })).Is(200);
        var told = await _receiver.Next(4);

        Assert.Equal(["chat.created", "message.created", "feedback.given", "feedback.given"], told.Select(each => each.Type));
        Assert.All(told, each => Assert.Equal(chat, each.Data.GetProperty("chatId").GetString()));
        Assert.Equal("o-1", told[0].Data.GetProperty("chat").GetProperty("externalId").GetString());
        Assert.Equal("1.50", told[0].Data.GetProperty("chat").GetProperty("metadata").GetProperty("n").GetRawText());
        Assert.Equal(("Where is it?", "user"), (told[1].Content, told[1].Data.GetProperty("role").GetString()));
        Assert.Equal(
            (message, "down", "down"),
            (told[2].Data.GetProperty("messageId").GetString(), told[2].Data.GetProperty("rating").GetString(),
                told[2].Data.GetProperty("feedback").GetProperty("rating").GetString()));
        Assert.Equal("ok", told[3].Data.GetProperty("feedback").GetProperty("comment").GetString());
        Assert.All(
            told, each => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", each.Json.GetProperty("timestamp").GetString()));
        Assert.Equal(4, _receiver.All.Count);
    }

    [Fact]
    public async Task Without_content_there_are_ids_only()
    {
        var acme = await app.Org("acme");
        await (await acme.Admin()).Webhook(_receiver.Url, withContent: false);

        var chat = await acme.Chat(new { title = "SECRET-title" });
        var message = await acme.Say(chat, "SECRET-content");
        (await (await acme.Plugin()).Send(
            HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating = "up", comment = "SECRET-comment" })).Is(200);
        var told = await _receiver.Next(3);

        Assert.All(told, each => Assert.DoesNotContain("SECRET", each.Text, StringComparison.Ordinal));
        Assert.Equal(
            $$"""{"chatId":"{{chat}}","messageId":"{{message}}","role":"user","chat":null,"message":null}""", told[1].Data.GetRawText());
    }

    [Fact]
    public async Task While_the_secret_is_rotated_both_are_valid_and_afterwards_the_new_one_alone()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("admin");
        var admin = member.Caller;
        var webhook = await admin.Webhook(_receiver.Url, ["chat.created"]);
        var path = $"{WebhookFixture.Path}/{webhook.Text("id")}";
        var next = (await admin.Post($"{path}/rotate", new { overlapHours = 2 })).Is(201);
        Assert.Equal(path, next.Header("Location"));
        Assert.NotEqual(webhook.Text("secret"), next.Text("secret"));

        await acme.Chat();
        var both = await _receiver.Next();
        Assert.Equal((true, true), (Valid(webhook, both), Valid(next, both)));
        Assert.Equal(2, both.Headers["webhook-signature"].Split(' ').Length);

        app.Clock.Advance(TimeSpan.FromHours(2.1));
        await acme.Chat();
        var one = await _receiver.Next();
        Assert.Equal((false, true), (Valid(webhook, one), Valid(next, one)));

        admin = await app.LogIn(member.Email);
        var last = (await admin.Post($"{path}/rotate", new { overlapHours = 0 })).Is(201);
        await acme.Chat();
        var only = await _receiver.Next();
        Assert.Equal((false, true), (Valid(next, only), Valid(last, only)));

        bool Valid(Answer secret, Received received) =>
            Verifier.IsValid(secret.Text("secret"), received.Headers, received.Body, app.Clock.GetUtcNow());
    }

    [Fact]
    public async Task What_is_deleted_before_it_is_sent_is_not_sent()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var webhook = await admin.Webhook(_receiver.Url, ["message.created"]);
        _receiver.Answer = Receiver.Status(503);
        var (kept, gone) = (await acme.Chat(), await acme.Chat());
        var first = await acme.Say(kept, "SECRET-first");
        await _receiver.Next();
        var second = await acme.Say(kept, "second");
        await acme.Say(gone, "SECRET-of-a-deleted-chat");
        await app.Reach(webhook, "pending", 3);
        await app.Rests(webhook);
        var before = _receiver.All.Count;
        (await admin.Delete($"/orgs/me/chats/{kept}/messages/{first}")).Is(204);
        (await admin.Delete($"/orgs/me/chats/{gone}")).Is(204);
        _receiver.Answer = Receiver.Status(200);

        app.Clock.Advance(TimeSpan.FromMinutes(5));
        await app.Reach(webhook, "pending", 0);

        var told = Assert.Single(_receiver.All.Skip(before));
        Assert.Equal(second, told.Data.GetProperty("messageId").GetString());
        await app.Reach(webhook, "delivered", 1);
        await app.Reach(webhook, "skipped", 2);
    }

    [Fact]
    public async Task A_chat_that_has_been_silent_for_so_long_is_idle_once_until_somebody_speaks_again()
    {
        var acme = await app.Org("acme");
        var webhook = (await (await acme.Admin()).Post(
            WebhookFixture.Path, new { url = _receiver.Url, events = new[] { "message.created", "chat.idle" }, idleMinutes = 10 })).Is(201);
        var (chat, other) = (await acme.Chat(), await acme.Chat());
        await acme.Say(chat, "1");
        await acme.Say(other, "1");
        await _receiver.Next(2);
        app.Clock.Advance(TimeSpan.FromMinutes(8));
        await acme.Say(other, "2");
        await _receiver.Next();

        app.Clock.Advance(TimeSpan.FromMinutes(4));
        var idle = await _receiver.Next();
        Assert.Equal(("chat.idle", chat), (idle.Type, idle.Data.GetProperty("chatId").GetString()));
        Assert.Equal(10, idle.Data.GetProperty("idleMinutes").GetInt32());

        app.Clock.Advance(TimeSpan.FromMinutes(8));
        Assert.Equal(other, (await _receiver.Next()).Data.GetProperty("chatId").GetString());
        await acme.Say(chat, "3");
        Assert.Equal("message.created", (await _receiver.Next()).Type);
        app.Clock.Advance(TimeSpan.FromMinutes(11));
        var again = await _receiver.Next();
        Assert.Equal(("chat.idle", chat), (again.Type, again.Data.GetProperty("chatId").GetString()));
        await app.Reach(webhook, "delivered", 7);
        Assert.Equal(7, _receiver.All.Count);
    }

    [Fact]
    public async Task An_export_that_has_ended_is_told_once()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        (await admin.Post("/exports/orgs/me", new { format = "jsonl", mode = "async" })).Is(202);
        await app.Until("select bool_and(state = 'done') from exports where org_id = @Id", new { acme.Id });
        var webhook = await admin.Webhook(_receiver.Url, ["export.finished"], withContent: false);
        var export = (await admin.Post("/exports/orgs/me", new { format = "jsonl", mode = "async" })).Is(202).Text("id");

        var told = await _receiver.Next();

        Assert.Equal(export, told.Data.GetProperty("exportId").GetString());
        Assert.Equal("done", told.Data.GetProperty("export").GetProperty("state").GetString());
        await app.Reach(webhook, "delivered", 1);
        var looks = await Fence();
        await Wait.Until(async () => await Fence() > looks + 3, "It has looked again.");
        Assert.Single(_receiver.All);

        Task<long> Fence() => app.Value<long>("select fence from webhook_offsets where org_id = @Id", new { acme.Id });
    }

    [Fact]
    public async Task An_erasure_that_is_done_is_told_without_a_name()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var webhook = await admin.Webhook(_receiver.Url, ["erasure.finished"]);
        var erasure = (await admin.Post("/orgs/me/erasures", new { externalUserId = "v-17" })).Is(202).Text("id");

        var told = await _receiver.Next();

        Assert.Equal(("erasure.finished", erasure), (told.Type, told.Data.GetProperty("erasureId").GetString()));
        var read = (await admin.Get($"/orgs/me/erasures/{erasure}")).Is(200);
        Assert.Equal(read.Body, told.Data.GetProperty("erasure").GetRawText());
        Assert.DoesNotContain("v-17", told.Text, StringComparison.Ordinal);
        await app.Reach(webhook, "delivered", 1);
    }
}
