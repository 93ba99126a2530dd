using ChatLogger.ChangeFeed;

namespace ChatLogger.Rollups;

internal static class RollupsSetup
{
    /// <summary>Adds the worker that aggregates what the change feed reports, and the verification of its rollups.</summary>
    public static void AddRollups(this WebApplicationBuilder builder)
    {
        builder.Services.AddFeedConsumer(RollupUpdates.Name);
        builder.Services.AddSingleton<RollupVerifier>();
        builder.Services.AddSingleton<UnusedNames>();
        builder.Services.AddHostedService<RollupWorker>();
    }
}
