using ChatLogger.ChangeFeed;
using ChatLogger.Configuration;
using ChatLogger.Data;

namespace ChatLogger.SearchIndex;

internal static class SearchIndexSetup
{
    /// <summary>Adds full-text search, and the worker that indexes what the change feed reports.</summary>
    public static void AddSearchIndex(this WebApplicationBuilder builder)
    {
        builder.Services.AddFeedConsumer(SearchIndexer.Name);
        builder.Services.AddSingleton(Settings.Bind<SearchSettings>(builder.Configuration, SearchSettings.Section));
        builder.Services.AddSingleton<ChatSearch>();
        builder.Services.AddSingleton<SearchIndexer>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SearchIndexer>());
        builder.Services.AddSingleton<SearchPurger>();
        builder.Services.AddPeriodicJob<OldIndexCleanup>();
    }
}
