using ChatLogger.Webhooks;

namespace ChatLogger.Features;

/// <summary>A webhook as it is shown when it has a new secret, the once: with the secret.</summary>
internal sealed record NewWebhook(
    Guid Id,
    string Url,
    string[] Events,
    bool WithContent,
    int IdleMinutes,
    string? Description,
    string State,
    DateTimeOffset CreatedAt,
    DateTimeOffset? FailingSince,
    string Secret)
{
    public static NewWebhook Of(Webhook webhook, byte[] secret) => new(
        webhook.Id, webhook.Url, webhook.Events, webhook.WithContent, webhook.IdleMinutes, webhook.Description, webhook.State,
        webhook.CreatedAt, webhook.FailingSince, WebhookSecrets.Text(secret));
}
