using System.Text;
using ChatLogger.Features;
using ChatLogger.Webhooks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Features.Webhooks;

public sealed partial class WebhookTests
{
    [Fact]
    public async Task Deliveries_go_after_seven_days_and_with_their_webhook_or_chat()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var (kept, deleted) = (await admin.Webhook(_receiver.Url, ["chat.created"]), await admin.Webhook(_receiver.Url, ["chat.created"]));
        var (old, gone, fresh) = (await acme.Chat(), await acme.Chat(), await acme.Chat());
        await app.Reach(kept, "delivered", 3);
        await app.Reach(deleted, "delivered", 3);
        await app.Execute(
            $"update webhook_deliveries set {App.Earlier("created_at", "7 days 1 minute")} where chat_id = @old::uuid", new { old });
        (await admin.Delete($"{WebhookFixture.Path}/{deleted.Text("id")}")).Is(204);
        (await admin.Delete($"/orgs/me/chats/{gone}")).Is(204);

        var cleanup = app.Services.GetRequiredService<WebhookCleanup>();
        await cleanup.Run(CancellationToken.None);
        await app.Services.GetRequiredService<PurgeChats>().Run(CancellationToken.None);

        Assert.Equal([fresh], (await admin.Deliveries(kept)).Is(200)["items"].EnumerateArray()
            .Select(delivery => delivery.GetProperty("chatId").GetString()));
        // An instance that had just read the webhook may still write for it; the next cleanup removes that.
        await Wait.Until(async () =>
        {
            await cleanup.Run(CancellationToken.None);
            return await app.Value<long>(
                """
                select (select count(*) from webhook_deliveries where webhook_id = @Webhook::uuid)
                    + (select count(*) from webhook_offsets where webhook_id = @Webhook::uuid)
                """,
                new { Webhook = deleted.Text("id") }) == 0;
        });
    }

    [Fact]
    public async Task The_secret_is_encrypted_in_the_database_and_bound_to_its_webhook()
    {
        var acme = await app.Org("acme");
        var webhook = await (await acme.Admin()).Webhook("https://hooks.example");
        var secret = Convert.FromBase64String(webhook.Text("secret")["whsec_".Length..]);
        var id = Guid.Parse(webhook.Text("id"));
        var stored = await app.Value<byte[]>("select secret from webhooks where org_id = @Id", new { acme.Id });

        Assert.Equal(-1, stored.AsSpan().IndexOf(secret));
        var service = app.Services.GetRequiredService<WebhookSecrets>();
        Assert.Equal(secret, service.Decrypt(acme.Id, id, stored!));
        Assert.Null(service.Decrypt(acme.Id, Guid.CreateVersion7(), stored!));
        Assert.Null(service.Decrypt(Guid.CreateVersion7(), id, stored!));
        Assert.Null(service.Decrypt(acme.Id, id, [.. stored!.Take(stored!.Length - 1)]));

        // What the key before encrypted can be read, and is not current.
        byte[] before = Encoding.UTF8.GetBytes("before, but thirty-two bytes and more");
        byte[] now = Encoding.UTF8.GetBytes("now, but thirty-two bytes or more");
        var old = new WebhookSecrets([before]).Encrypt(acme.Id, id, secret);
        var rotated = new WebhookSecrets([now, before]);
        Assert.Equal(secret, rotated.Decrypt(acme.Id, id, old));
        Assert.False(rotated.IsCurrent(old));
        Assert.Null(new WebhookSecrets([now]).Decrypt(acme.Id, id, old));
    }

    [Fact]
    public async Task After_a_rotation_of_the_key_secrets_are_encrypted_anew()
    {
        var acme = await app.Org("acme");
        var webhook = await (await acme.Admin()).Webhook("https://hooks.example", ["export.finished"]);
        var id = Guid.Parse(webhook.Text("id"));
        var now = Encoding.UTF8.GetBytes("now, but thirty-two bytes or more");
        var rotated = new WebhookSecrets([now, Encoding.UTF8.GetBytes("not a secret, but thirty-two bytes and more")]);
        var cleanup = new WebhookCleanup(
            app.Services.GetRequiredService<NpgsqlDataSource>(), rotated, new WebhookSettings(), app.Clock,
            NullLogger<WebhookCleanup>.Instance);

        await cleanup.Run(CancellationToken.None);

        var stored = await app.Value<byte[]>("select secret from webhooks where org_id = @Id", new { acme.Id });
        Assert.Equal(webhook.Text("secret"), WebhookSecrets.Text(new WebhookSecrets([now]).Decrypt(acme.Id, id, stored!)!));
        // What this service cannot read any more, it would pause.
        await app.Execute("delete from webhooks where org_id = @Id", new { acme.Id });
    }

    [Fact]
    public async Task A_secret_of_an_unknown_key_pauses_its_webhook()
    {
        var acme = await app.Org("acme");
        var webhook = await (await acme.Admin()).Webhook(_receiver.Url, ["chat.created"]);
        var id = Guid.Parse(webhook.Text("id"));
        var foreign = new WebhookSecrets([new byte[32]]).Encrypt(acme.Id, id, new byte[32]);
        await app.Execute("update webhooks set secret = @foreign where org_id = @Id", new { acme.Id, foreign });

        await acme.Chat();

        await app.Until("select state = 'paused' from webhooks where org_id = @Id", new { acme.Id });
        Assert.Contains(app.Log.All, line => line.StartsWith($"Error Webhook {id} ", StringComparison.Ordinal));
        Assert.Empty(_receiver.All);
    }

    [Fact]
    public async Task The_webhooks_of_a_deleted_organization_are_silent_and_purged()
    {
        var acme = await app.Org("acme");
        await (await acme.Admin()).Webhook(_receiver.Url, ["chat.created", "chat.idle"]);
        await acme.Say(await acme.Chat(), "hello");
        await _receiver.Next();
        (await (await app.Superadmin()).Delete($"/orgs/{acme.Slug}")).Is(202);

        await Wait.Until(async () =>
        {
            await app.Services.GetRequiredService<PurgeOrganizations>().Run(CancellationToken.None);
            return await acme.Count("webhooks") + await acme.Count("webhook_deliveries") + await acme.Count("webhook_offsets")
                + await acme.Count("webhook_idle") == 0;
        });
    }
}
