using ChatLogger.Configuration;

namespace ChatLogger.LiveEvents;

internal static class LiveEventsSetup
{
    /// <summary>Adds the distribution of live events.</summary>
    public static void AddLiveEvents(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(Settings.Bind<LiveSettings>(builder.Configuration, LiveSettings.Section));
        builder.Services.AddSingleton<LiveQueries>();
        builder.Services.AddSingleton<LiveHub>();
        builder.Services.AddHostedService(services => services.GetRequiredService<LiveHub>());
    }
}
