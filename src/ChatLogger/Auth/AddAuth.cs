using ChatLogger.Configuration;
using ChatLogger.Data;
using ChatLogger.Http;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace ChatLogger.Auth;

internal static class AuthSetup
{
    /// <summary>Adds API keys, sessions, passwords, rate limits, and the audit log.</summary>
    public static void AddAuth(this WebApplicationBuilder builder)
    {
        AddApiKeys(builder);
        AddSessions(builder);
        builder.Services.AddSingleton(CorsSettings.Read(builder.Configuration));
        builder.Services.AddSingleton<OriginCheck>();
        builder.Services.AddSingleton<SessionAuthenticator>();
        builder.Services.TryAddSingleton<IPasswordHasher>(_ => new Bcrypt());
        builder.Services.AddSingleton<PasswordHashingQueue>();
        builder.Services.AddHostedService(services => services.GetRequiredService<PasswordHashingQueue>());
        builder.Services.AddSingleton(Settings.Bind<RateLimits>(builder.Configuration, RateLimits.Section));
        builder.Services.AddSingleton<LoginLockout>();
        builder.Services.AddSingleton<RateLimiters>();
        builder.Services.AddSingleton<AuditLog>();
        builder.Services.AddSingleton<OrganizationPolicies>();
    }

    private static void AddApiKeys(WebApplicationBuilder builder)
    {
        var entries = SettingsApiKeys.Read(builder.Configuration);
        builder.Services.AddSingleton<IApiKeyValidator>(services => new SettingsApiKeys(
            entries,
            services.GetRequiredKeyedService<NpgsqlDataSource>(Pools.Plugins)));
        builder.Services.AddSingleton<IApiKeyValidator, DatabaseApiKeys>();
        builder.Services.AddSingleton(KeyCacheSettings.Read(builder.Configuration));
        builder.Services.AddSingleton<ApiKeyCache>();
        builder.Services.AddSingleton<LastUsedTracker>();
        builder.Services.AddHostedService(services => services.GetRequiredService<LastUsedTracker>());
    }

    private static void AddSessions(WebApplicationBuilder builder)
    {
        var settings = Settings.Bind<SessionSettings>(builder.Configuration, SessionSettings.Section);
        var isDevelopment = builder.Environment.IsDevelopment();
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(services => new SessionTokens(Secrets(services), services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton(services => new BodyHashes(Secrets(services)));
        builder.Services.AddSingleton(new SessionCookie(
            plain: isDevelopment && ServerUrls.ArePlainLoopback(ServerUrls.Read(builder.Configuration, builder.Environment))));

        IReadOnlyList<byte[]> Secrets(IServiceProvider services) =>
            settings.Secrets(isDevelopment, services.GetRequiredService<DatabaseSettings>().DataDirectory);
    }
}
