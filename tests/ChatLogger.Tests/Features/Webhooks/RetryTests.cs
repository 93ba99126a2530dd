namespace ChatLogger.Tests.Features.Webhooks;

/// <summary>A receiver that fails is tried again, later and later, for a day, and nobody else waits for it.</summary>
public sealed partial class RetryTests(WebhookApp app) : IClassFixture<WebhookApp>, IAsyncLifetime
{
    private Receiver _receiver = null!;

    public async Task InitializeAsync() => _receiver = await Receiver.Start();

    public async Task DisposeAsync() => await _receiver.DisposeAsync();

    [Fact]
    public async Task A_failed_delivery_is_sent_again_with_the_same_id_and_its_chat_waits_for_it_but_no_other()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var webhook = await admin.Webhook(_receiver.Url, ["message.created"]);
        var (failing, other) = (await acme.Chat(), await acme.Chat());
        _receiver.Answer = (received, context) =>
            Receiver.Status(received.Data.GetProperty("chatId").GetString() == failing ? 500 : 200)(received, context);

        await acme.Say(failing, "1");
        var first = await _receiver.Next();
        await acme.Say(failing, "2");
        await acme.Say(other, "3");
        app.Clock.Advance(TimeSpan.FromSeconds(7));
        await app.Reach(webhook, "delivered", 1);
        await app.Rests(webhook);
        Assert.DoesNotContain(_receiver.All, each => each.Content == "2");

        _receiver.Answer = Receiver.Status(200);
        app.Clock.Advance(TimeSpan.FromMinutes(2));
        await app.Reach(webhook, "delivered", 3);

        Assert.Equal(["1", "2"], _receiver.All.Where(each => each.Data.GetProperty("chatId").GetString() == failing)
            .Select(each => each.Content).Distinct());
        Assert.Equal(first.Id, Assert.Single(_receiver.All.Where(each => each.Content == "1").Select(each => each.Id).Distinct()));
        var listed = (await admin.Deliveries(webhook)).Is(200)["items"].EnumerateArray().ToList();
        Assert.Equal(3, listed.Count);
        var told = listed.Single(delivery => delivery.GetProperty("id").GetString() == first.Id);
        Assert.True(told.GetProperty("attempts").GetInt32() >= 2);
        Assert.Equal(200, told.GetProperty("responseStatus").GetInt32());
    }

    [Fact]
    public async Task However_often_one_delivery_has_failed_another_chat_waits_two_minutes_and_a_half_at_most()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var webhook = await admin.Webhook(_receiver.Url, ["message.created"]);
        _receiver.Answer = (received, context) => Receiver.Status(received.Content == "refused" ? 400 : 200)(received, context);
        await acme.Say(await acme.Chat(), "refused");
        for (var attempts = 1; attempts <= 6; attempts++)
        {
            await app.Until(
                "select attempts = @attempts from webhook_deliveries where org_id = @Id", new { acme.Id, attempts });
            await app.Rests(webhook);
            app.Clock.Advance(TimeSpan.FromHours(attempts < 6 ? 1.5 : 0));
        }

        await acme.Say(await acme.Chat(), "other");
        app.Clock.Advance(TimeSpan.FromSeconds(150));

        await app.Reach(webhook, "delivered", 1);
        Assert.Equal(6, _receiver.All.Count(received => received.Content == "refused"));
    }

    [Fact]
    public async Task After_a_day_of_failures_it_is_paused_and_told_and_a_resumed_one_gets_everything_in_order()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("admin");
        var webhook = await member.Caller.Webhook(_receiver.Url, ["message.created"]);
        var id = webhook.Text("id");
        _receiver.Answer = Receiver.Status(503);
        var chat = await acme.Chat();
        await acme.Say(chat, "1");
        var first = await _receiver.Next();
        await app.Rests(webhook);
        var since = (await Get())["failingSince"].GetDateTimeOffset();
        await acme.Say(chat, "2");

        // Each time that the next attempt is due, there is one; the last one is a day after the first.
        var attempts = 1;
        for (; ; attempts++)
        {
            var next = await app.Value<DateTime?>(
                """
                select greatest(d.next_attempt_at, p.retry_at)
                from webhook_deliveries d
                join webhook_offsets p on p.org_id = d.org_id and p.webhook_id = d.webhook_id
                join webhooks w on w.org_id = d.org_id and w.id = d.webhook_id
                where d.org_id = @Id and d.attempts > 0 and w.state = 'active'
                """,
                new { acme.Id });
            if (next is null)
                break;
            app.Clock.Advance(next.Value - app.Clock.GetUtcNow().UtcDateTime + TimeSpan.FromMilliseconds(1));
            Assert.Equal(first.Id, (await _receiver.Next()).Id);
            await app.Until(
                """
                select d.attempts = @attempts and (w.state = 'paused' or p.failures = @attempts)
                from webhook_deliveries d
                join webhook_offsets p on p.org_id = d.org_id and p.webhook_id = d.webhook_id
                join webhooks w on w.org_id = d.org_id and w.id = d.webhook_id
                where d.org_id = @Id and d.attempts > 0
                """,
                new { acme.Id, attempts = attempts + 1 });
        }
        Assert.InRange(attempts, 11, 15);
        Assert.InRange(app.Clock.GetUtcNow() - since, TimeSpan.FromHours(24), TimeSpan.FromHours(24.1));

        var admin = await app.LogIn(member.Email);
        var paused = (await admin.Get($"{WebhookFixture.Path}/{id}")).Is(200);
        Assert.Equal(("paused", since), (paused.Text("state"), paused["failingSince"].GetDateTimeOffset()));
        var audited = (await admin.Get("/orgs/me/audit?action=webhook.paused")).Is(200)["items"][0];
        Assert.Equal(("service", id), (
            audited.GetProperty("actor").GetProperty("type").GetString(), audited.GetProperty("target").GetProperty("id").GetString()));
        Assert.Contains(
            app.Log.All, line => line.StartsWith($"Warning Webhook {id} of organization {acme.Id} is paused", StringComparison.Ordinal));
        (await admin.Post($"{WebhookFixture.Path}/{id}/test")).IsProblem(409, "webhook-paused");
        (await admin.Post($"{WebhookFixture.Path}/deliveries/{first.Id}/replay")).IsProblem(409, "webhook-paused");
        await acme.Say(chat, "3");
        var before = _receiver.All.Count;

        _receiver.Answer = Receiver.Status(200);
        var resumed = (await admin.Patch($"{WebhookFixture.Path}/{id}", new { state = "active" })).Is(200);
        Assert.True(resumed["failingSince"].ValueKind is System.Text.Json.JsonValueKind.Null);
        Assert.Equal(["1", "2", "3"], (await _receiver.Next(3)).Select(each => each.Content));
        await app.Reach(webhook, "delivered", 3);
        Assert.Equal(before + 3, _receiver.All.Count);

        async Task<Answer> Get() => (await member.Caller.Get($"{WebhookFixture.Path}/{id}")).Is(200);
    }

    [Fact]
    public async Task What_alone_is_refused_for_a_day_is_given_up_and_its_chat_goes_on()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var webhook = await admin.Webhook(_receiver.Url, ["message.created"]);
        _receiver.Answer = (received, context) => Receiver.Status(received.Content == "refused" ? 400 : 200)(received, context);
        var (chat, other) = (await acme.Chat(), await acme.Chat());
        await acme.Say(chat, "refused");
        await _receiver.Next();
        await acme.Say(chat, "after");
        var hours = 0;
        for (; await app.Value<long>(
            "select count(*) from webhook_deliveries where org_id = @Id and status = 'failed'", new { acme.Id }) == 0; hours += 4)
        {
            // Something else succeeds between the attempts.
            app.Clock.Advance(TimeSpan.FromHours(4));
            var content = $"other {hours}";
            await acme.Say(other, content);
            await Wait.Until(() =>
            {
                // Where the other attempt came first, and failed, this one waits for seconds.
                app.Clock.Advance(TimeSpan.FromSeconds(1));
                return _receiver.All.Any(each => each.Content == content);
            });
            await app.Until(
                """
                select not exists (
                    select from webhook_deliveries where org_id = @Id and status = 'pending' and attempts > 0 and next_attempt_at <= @Now
                )
                """,
                new { acme.Id, Now = app.Clock.GetUtcNow() });
            Assert.InRange(hours, 0, 40);
        }

        await app.Reach(webhook, "pending", 0);
        Assert.InRange(hours, 24, 36);
        Assert.Equal("after", _receiver.All.Last(each => each.Data.GetProperty("chatId").GetString() == chat).Content);
        Assert.Equal("active", await app.Value<string>("select state from webhooks where org_id = @Id", new { acme.Id }));
    }

    [Fact]
    public async Task A_receiver_that_is_gone_is_paused_at_once()
    {
        var acme = await app.Org("acme");
        await (await acme.Admin()).Webhook(_receiver.Url, ["chat.created"]);
        _receiver.Answer = Receiver.Status(410);

        await acme.Chat();

        await app.Until("select state = 'paused' from webhooks where org_id = @Id", new { acme.Id });
        Assert.Single(_receiver.All);
    }
}
