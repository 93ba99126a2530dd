using ChatLogger.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Webhooks;

/// <summary>A service with short intervals that may call this machine.</summary>
public class WebhookApp : App
{
    protected override void Customize(WebApplicationBuilder builder) => builder.Configuration.AddInMemoryCollection(
    [
        new("Webhooks:AllowPrivateTargets", "true"), new("Webhooks:PollInterval", "00:00:00.020"),
        new("Webhooks:CatchUpInterval", "00:00:00.050"), new("Webhooks:CleanupInterval", "01:00:00"), new("Exports:Poll", "00:00:00.050"),
    ]);
}

/// <summary>The same behind the wall that is there by default; a name stands for what a test says.</summary>
public sealed class WalledWebhookApp : WebhookApp
{
    internal ResolveTarget Names { get; set; } = (_, _) => Task.FromResult(Array.Empty<System.Net.IPAddress>());

    protected override void Customize(WebApplicationBuilder builder)
    {
        base.Customize(builder);
        builder.Configuration.AddInMemoryCollection([new("Webhooks:AllowPrivateTargets", "false")]);
        builder.Services.AddSingleton<ResolveTarget>((host, ct) => Names(host, ct));
    }
}

internal static class WebhookFixture
{
    public const string Path = "/orgs/me/webhooks";

    public static readonly string[] OfChats = ["chat.created", "message.created", "feedback.given"];

    /// <summary>Adds a webhook, and answers with its secret.</summary>
    public static async Task<Answer> Webhook(this Caller admin, string url, string[]? events = null, bool withContent = true) =>
        (await admin.Post(Path, new { url, events = events ?? OfChats, withContent })).Is(201);

    public static Task<Answer> Deliveries(this Caller admin, Answer webhook, string query = "") =>
        admin.Get($"{Path}/{webhook.Text("id")}/deliveries{query}");

    /// <summary>Waits until so many deliveries have this status.</summary>
    public static Task Reach(this App app, Answer webhook, string status, int count) => app.Until(
        "select count(*) = @count from webhook_deliveries where webhook_id = @Webhook::uuid and status = @status",
        new { Webhook = webhook.Text("id"), status, count });

    /// <summary>Waits until nobody delivers to the webhook, and somebody has.</summary>
    public static Task Rests(this App app, Answer webhook) => app.Until(
        "select count(*) > 0 from webhook_offsets where webhook_id = @Webhook::uuid and fence > 0 and lease_until is null",
        new { Webhook = webhook.Text("id") });
}
