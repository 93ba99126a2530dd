using ChatLogger.Webhooks;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Webhooks;

public sealed partial class RetryTests
{
    [Fact]
    public async Task A_receiver_that_hangs_and_one_that_is_dead_delay_neither_other_webhooks_nor_other_organizations()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var admin = await acme.Admin();
        await using var hanging = await Receiver.Start();
        var hangs = new TaskCompletionSource();
        hanging.Answer = (_, _) => hangs.Task;
        await using var dead = await Receiver.Start();
        var nobody = dead.Url;
        await dead.DisposeAsync();
        await admin.Webhook(hanging.Url, ["message.created"]);
        await admin.Webhook(nobody, ["message.created"]);
        await admin.Webhook(_receiver.Url, ["message.created"]);
        await (await globex.Admin()).Webhook(_receiver.Url, ["message.created"]);

        var (ours, theirs) = (await acme.Chat(), await globex.Chat());
        for (var i = 0; i < 20; i++)
        {
            await acme.Say(ours, $"a{i}");
            await globex.Say(theirs, $"g{i}");
        }
        var told = await _receiver.Next(40);

        // The one that hangs has had its first delivery, and is waited for all the time: on a slow machine until it is tried again.
        Assert.Single(hanging.All.Select(each => each.Id).Distinct());
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"a{i}"), told.Select(each => each.Content).Where(text => text![0] == 'a'));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"g{i}"), told.Select(each => each.Content).Where(text => text![0] == 'g'));
        hangs.SetResult();
    }

    [Fact]
    public async Task An_answer_that_asks_to_wait_is_heard_and_a_redirect_is_not_followed()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var webhook = await admin.Webhook(_receiver.Url + "/from", ["chat.created"]);
        _receiver.Answer = (received, context) =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = "/to";
            context.Response.Headers.RetryAfter = "1800";
            return Task.CompletedTask;
        };

        await acme.Chat();
        await _receiver.Next();
        await app.Rests(webhook);

        var delivery = (await admin.Deliveries(webhook)).Is(200)["items"][0];
        Assert.Equal(307, delivery.GetProperty("responseStatus").GetInt32());
        Assert.Equal("status", delivery.GetProperty("error").GetString());
        var wait = delivery.GetProperty("nextAttemptAt").GetDateTimeOffset() - delivery.GetProperty("lastAttemptAt").GetDateTimeOffset();
        Assert.InRange(wait, TimeSpan.FromMinutes(29.9), TimeSpan.FromMinutes(30.1));
        Assert.Equal("/from", Assert.Single(_receiver.All).Path);
    }

    [Fact]
    public async Task Of_two_instances_one_sends_each_delivery()
    {
        var other = await app.AnotherInstance();
        try
        {
            var acme = await app.Org("acme");
            var webhook = await (await acme.Admin()).Webhook(_receiver.Url, ["message.created"]);
            var chats = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => acme.Chat()));
            var plugins = new[] { await acme.Plugin(), other.Stranger.WithKey((await acme.Plugin()).Credential!) };
            await Task.WhenAll(chats.Select(async (chat, i) =>
            {
                for (var n = 0; n < 25; n++)
                    (await plugins[(i + n) % 2].Post(
                        $"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = $"{i}-{n}" })).Is(201);
            }));

            await app.Reach(webhook, "delivered", 200);

            Assert.Equal(200, _receiver.All.Select(each => each.Id).Distinct().Count());
            Assert.Equal(200, _receiver.All.Count);
            Assert.All(_receiver.All.GroupBy(each => each.Data.GetProperty("chatId").GetString()), chat => Assert.Equal(
                Enumerable.Range(0, 25), chat.Select(each => int.Parse(each.Content!.Split('-')[1], null))));
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task An_instance_whose_lease_is_over_makes_no_deliveries_any_more()
    {
        var acme = await app.Org("acme");
        var webhook = await (await acme.Admin()).Webhook(_receiver.Url, ["chat.created"]);
        await acme.Chat();
        await app.Reach(webhook, "delivered", 1);
        await app.Rests(webhook);
        var (store, feed) = (app.Services.GetRequiredService<WebhookStore>(), app.Services.GetRequiredService<WebhookFeed>());
        var target = (await store.Find(acme.Id, Guid.Parse(webhook.Text("id")), default))!;
        WebhookLease? lease = null;
        await Wait.Until(async () => (lease = await store.Acquire(acme.Id, target.Id, default)) is not null);

        Assert.Null(await store.Acquire(acme.Id, target.Id, default));
        Assert.True(await store.Renew(lease!, default));
        await app.Execute("update webhook_offsets set lease_until = now() - interval '1 second' where org_id = @Id", new { acme.Id });
        var next = await Wait.For(Another());

        Assert.False(await store.Renew(lease!, default));
        await Assert.ThrowsAsync<WebhookLeaseLost>(() => feed.Advance(target, lease!, 10, default));
        await store.Release(next, null, default);

        async Task<WebhookLease> Another()
        {
            while (true)
            {
                if (await store.Acquire(acme.Id, target.Id, default) is { } acquired && acquired.Fence > lease!.Fence)
                    return acquired;
                await Task.Delay(5);
            }
        }
    }
}
