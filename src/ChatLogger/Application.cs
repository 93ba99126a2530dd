using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Configuration;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Ingest;
using ChatLogger.LiveEvents;
using ChatLogger.OpenApi;
using ChatLogger.Rollups;
using ChatLogger.SearchIndex;
using ChatLogger.Telemetry;
using ChatLogger.Webhooks;

namespace ChatLogger;

/// <summary>Builds the service. Building starts nothing: no server, no database, no thread.</summary>
internal static class Application
{
    /// <exception cref="StartupException">A setting is wrong or missing; the message names it.</exception>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? customize = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        // The customization runs first, so that the code below sees the settings it adds.
        customize?.Invoke(builder);
        builder.AddTelemetry();
        builder.AddHttp();
        builder.AddData();
        builder.AddAuth();
        builder.AddChangeFeed();
        builder.AddIngest();
        builder.AddRollups();
        builder.AddSearchIndex();
        builder.AddExportJobs();
        builder.AddLiveEvents();
        builder.AddWebhooks();
        builder.AddFeatures();
        builder.AddApiDescription();

        WebApplication? app = null;
        // The caller reports a failed start in one sentence, so the host's own log entry is suppressed.
        builder.Logging.AddFilter(
            "Microsoft.Extensions.Hosting.Internal.Host",
            level => level >= LogLevel.Warning && app is { Lifetime.ApplicationStarted.IsCancellationRequested: true });
        app = builder.Build();
        app.UseMiddlewares();
        Routes.Map(app);
        return app;
    }

    // The order is part of the API contract: first the checks that need no credential, then authentication, then authorization.
    private static void UseMiddlewares(this WebApplication app)
    {
        // Must be first, because trusted proxies report the client's address and the host name.
        if (ProxySettings.Read(app.Configuration) is { } proxies)
            ProxySettings.Use(app, proxies);
        app.Use(app.Services.GetRequiredService<BasePath>().Middleware);
        app.UseMiddleware<RequestLog>();
        app.Use(SecurityHeaders.Middleware);
        app.Use(app.Services.GetRequiredService<GracefulShutdown>().Middleware);
        app.UseMiddleware<ProblemWriter>();
        app.UseMiddleware<CorsMiddleware>();
        DocsPage.Use(app);
        app.UseRouting();
        app.Use(Deadline.Middleware);
        app.Use(HeaderValidation.Middleware);
        app.RequirePolicyOnEveryEndpoint();
        app.UseMiddleware<AuthorizationMiddleware>();
        app.Use(RequiresQueueCapacity.Middleware);
        app.Use(QueryText.Guard);
    }
}
