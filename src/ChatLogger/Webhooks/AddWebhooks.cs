using System.Net;
using ChatLogger.Auth;
using ChatLogger.Data;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace ChatLogger.Webhooks;

internal static class WebhooksSetup
{
    /// <summary>Adds the delivery of webhooks: what follows the log, what sends, and what cleans up.</summary>
    public static void AddWebhooks(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        var settings = WebhookSettings.Read(builder.Configuration);
        var secrets = settings.EncryptionSecrets();
        var mayGenerate = builder.Environment.IsDevelopment();
        services.AddSingleton(settings);
        // Without a secret of their own they are encrypted with that of sessions, which stays readable when they get one.
        services.AddSingleton(provider => new WebhookSecrets(
        [
            .. secrets,
            .. provider.GetRequiredService<SessionSettings>()
                .Secrets(mayGenerate, provider.GetRequiredService<DatabaseSettings>().DataDirectory),
        ]));
        services.TryAddSingleton<ResolveTarget>(_ => Dns.GetHostAddressesAsync);
        services.AddSingleton<WebhookClient>();
        services.AddSingleton<WebhookStore>();
        services.AddSingleton<WebhookFeed>();
        services.AddSingleton<WebhookRunner>();
        services.AddSingleton<WebhookDispatcher>();
        services.AddHostedService(provider => provider.GetRequiredService<WebhookDispatcher>());
        services.AddSingleton<WebhookPurger>();
        services.AddPeriodicJob<WebhookCleanup>();
    }
}
