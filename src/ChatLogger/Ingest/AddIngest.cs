using ChatLogger.Configuration;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Ingest;

internal static class IngestSetup
{
    /// <summary>Adds the settings of group commit, and idempotency keys with the removal of expired ones, and early statistics.</summary>
    public static void AddIngest(this WebApplicationBuilder builder)
    {
        var settings = Settings.Bind<IngestSettings>(builder.Configuration, IngestSettings.Section);
        builder.Services.AddSingleton(services =>
            settings with
            {
                SessionSetupSql = services.GetRequiredService<DatabaseSettings>().WritingSessionSetup,
            });
        builder.Services.AddSingleton(services => new IdempotencyKeyStore(
            services.GetRequiredService<NpgsqlDataSource>(),
            settings.KeyRetention,
            settings.KeyLockTimeout,
            services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<GroupCommitFactory>();
        builder.Services.AddSingleton<IdempotencyKeyCleanup>();
        builder.Services.AddPeriodicJob<IdempotencyKeyCleanupJob>();
        builder.Services.AddPeriodicJob<PlannerStatistics>();
    }
}
