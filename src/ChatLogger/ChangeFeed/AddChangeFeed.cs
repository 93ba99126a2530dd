using ChatLogger.Configuration;
using ChatLogger.Data;
using ChatLogger.Telemetry;

namespace ChatLogger.ChangeFeed;

internal static class ChangeFeedSetup
{
    /// <summary>Adds the log of each organization, and the gauge of how far behind its consumers are.</summary>
    public static void AddChangeFeed(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(Settings.Bind<FeedSettings>(builder.Configuration, FeedSettings.Section));
        builder.Services.AddSingleton<OrganizationLog>();
        builder.Services.AddPeriodicJob<OrganizationEventsCleanup>();
        builder.Services.AddSingleton<FeedLag>();
        builder.Services.AddSingleton<IObservableGauges>(services => services.GetRequiredService<FeedLag>());
        builder.Services.AddHostedService(services => services.GetRequiredService<FeedLag>());
    }

    /// <summary>Adds a consumer, by the name that its offsets are stored under.</summary>
    public static void AddFeedConsumer(this IServiceCollection services, string name) => services.AddSingleton(new FeedConsumerName(name));
}
