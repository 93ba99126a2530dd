using System.Globalization;
using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Configuration;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Ingest;
using ChatLogger.OpenApi;
using ChatLogger.Rollups;
using ChatLogger.SearchIndex;
using ChatLogger.Telemetry;
using FluentValidation;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace ChatLogger;

/// <summary>Builds the service. Building starts nothing: no server, no database, no thread.</summary>
internal static class Application
{
    private const string DefaultUrl = "http://127.0.0.1:5080";

    private const int RefusedBodyBytes = 64 * 1024 * 1024;

    /// <exception cref="StartupException">A setting is wrong or missing; the message names it.</exception>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? customize = null)
    {
        // Responses must not depend on the culture of the environment.
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;
        Rules.UseConventions();
        DapperConventions.Use();
        Json.Prefer(ChatsJson.Default);

        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        // The customization runs first, so that the code below sees the settings it adds.
        customize?.Invoke(builder);
        TelemetrySetup.Add(builder);
        AddServer(builder);
        AddData(builder);
        AddAuth(builder);
        AddFeatures(builder);
        AddWriting(builder);
        AddSearch(builder);
        AddExports(builder);
        AddOrganizationData(builder);
        AddGauges(builder);
        AddShutdown(builder);

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

    private static void AddServer(WebApplicationBuilder builder)
    {
        var settings = Settings.Bind<ServerSettings>(builder.Configuration, ServerSettings.Section);
        var limits = Settings.Bind<Limits>(builder.Configuration, Limits.Section);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(limits);
        builder.Services.AddSingleton(new BodyMemoryBudget(Math.Max(settings.BodyBytes, Math.Max(limits.BodyBytes, limits.BatchBytes))));
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<IngestActivity>();
        builder.Services.AddSingleton<MatcherPolicy, CaseSensitivePaths>();
        builder.Services.AddSingleton(BasePath.Read(builder.Configuration));
        builder.Services.ConfigureHttpJsonOptions(options =>
        {
            Json.Configure(options.SerializerOptions);
            options.SerializerOptions.TypeInfoResolverChain.Insert(0, ChatsJson.Default);
        });

        var urls = Urls(builder);
        builder.WebHost.UseUrls(urls);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // This is not the limit of a body, which BodyReader enforces, but how much of it the server still reads after a refusal: a
            // client that is still sending when the connection closes gets a broken pipe instead of the response.
            kestrel.Limits.MaxRequestBodySize = RefusedBodyBytes;
            kestrel.Limits.RequestHeadersTimeout = settings.HeaderTimeout;
            kestrel.Limits.KeepAliveTimeout = settings.KeepAliveTimeout;
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(settings.MinDataRate, ServerSettings.RateGrace);
            kestrel.Limits.MinResponseDataRate = new MinDataRate(settings.MinDataRate, ServerSettings.RateGrace);
        });
        builder.Services.AddSingleton(new SessionCookie(
            plain: builder.Environment.IsDevelopment() && urls.Split(';').All(url => Uri.TryCreate(url, UriKind.Absolute, out var uri)
                && uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)));
    }

    private static void AddData(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(DatabaseSettings.Read(builder.Configuration, builder.Environment));
        builder.Services.AddSingleton<Database>();
        builder.Services.AddSingleton<NpgsqlDataSource>(services => services.GetRequiredService<Database>().Source);
        builder.Services.AddKeyedSingleton<NpgsqlDataSource>(
            Pools.Analytics,
            (services, _) => services.GetRequiredService<Database>().Analytics);
        builder.Services.AddKeyedSingleton<NpgsqlDataSource>(
            Pools.Exports,
            (services, _) => services.GetRequiredService<Database>().Exports);
        builder.Services.AddKeyedSingleton<NpgsqlDataSource>(
            Pools.Plugins,
            (services, _) => services.GetRequiredService<Database>().Plugins);
        builder.Services.AddKeyedSingleton<NpgsqlDataSource>(
            Pools.Writing,
            (services, _) => services.GetRequiredService<Database>().Writing);
        builder.Services.AddSingleton<IdGenerator>();
    }

    private static void AddAuth(WebApplicationBuilder builder)
    {
        var settings = Settings.Bind<SessionSettings>(builder.Configuration, SessionSettings.Section);
        var entries = SettingsApiKeys.Read(builder.Configuration);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(CorsSettings.Read(builder.Configuration));
        builder.Services.AddSingleton<OriginCheck>();
        builder.Services.AddSingleton<SessionAuthenticator>();
        builder.Services.AddSingleton<IApiKeyValidator>(services => new SettingsApiKeys(
            entries,
            services.GetRequiredKeyedService<NpgsqlDataSource>(Pools.Plugins)));
        builder.Services.AddSingleton<IApiKeyValidator, DatabaseApiKeys>();
        builder.Services.AddSingleton(KeyCacheSettings.Read(builder.Configuration));
        builder.Services.AddSingleton<ApiKeyCache>();
        builder.Services.AddSingleton<LastUsedTracker>();
        builder.Services.AddHostedService(services => services.GetRequiredService<LastUsedTracker>());
        builder.Services.AddSingleton(services => new SessionTokens(
            settings.Secrets(builder.Environment.IsDevelopment(), services.GetRequiredService<DatabaseSettings>().DataDirectory),
            services.GetRequiredService<TimeProvider>()));
        builder.Services.TryAddSingleton<IPasswordHasher>(_ => new Bcrypt());
        builder.Services.AddSingleton<PasswordHashingQueue>();
        builder.Services.AddHostedService(services => services.GetRequiredService<PasswordHashingQueue>());
        builder.Services.AddSingleton(Settings.Bind<RateLimits>(builder.Configuration, RateLimits.Section));
        builder.Services.AddSingleton<LoginLockout>();
        builder.Services.AddSingleton<RateLimiters>();
        builder.Services.AddSingleton<AuditLog>();
    }

    private static void AddFeatures(WebApplicationBuilder builder)
    {
        builder.Services.AddMediatR(options =>
        {
            options.RegisterServicesFromAssemblyContaining<Program>();
            options.AddOpenBehavior(typeof(ValidationBehavior<,>), ServiceLifetime.Singleton);
            options.Lifetime = ServiceLifetime.Singleton;
        });
        foreach (var validator in AssemblyScanner.FindValidatorsInAssembly(typeof(Program).Assembly, includeInternalTypes: true))
            builder.Services.AddSingleton(validator.InterfaceType, validator.ValidatorType);
        DocumentBuilder.Add(builder.Services);
    }

    private static void AddWriting(WebApplicationBuilder builder)
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
        builder.Services.AddSingleton(Settings.Bind<FeedSettings>(builder.Configuration, FeedSettings.Section));
        builder.Services.AddSingleton<ChangeLog>();
        builder.Services.AddSingleton<RollupVerifier>();
        builder.Services.AddHostedService<RollupWorker>();
        builder.Services.AddSingleton<GroupCommitFactory>();
        builder.Services.AddSingleton<QueueCapacities>();
        builder.Services.AddSingleton<ChatWriter>();
        builder.Services.AddSingleton<MessageWriter>();
        builder.Services.AddSingleton<BatchWriter>();
        builder.Services.AddSingleton<IdempotencyKeyCleanup>();
        builder.Services.AddHostedService<IdempotencyKeyCleanupService>();
    }

    private static void AddSearch(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(Settings.Bind<SearchSettings>(builder.Configuration, SearchSettings.Section));
        builder.Services.AddSingleton<ChatSearch>();
        builder.Services.AddSingleton<SearchIndexer>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SearchIndexer>());
    }

    private static void AddExports(WebApplicationBuilder builder)
    {
        var settings = ExportSettings.Read(builder.Configuration);
        builder.Services.AddSingleton(settings);
        if (settings.Directory is { Length: > 0 } directory)
            builder.Services.AddSingleton<IExportStore>(new FileExportStore(Path.GetFullPath(directory)));
        else
            builder.Services.AddSingleton<IExportStore, DatabaseExportStore>();
        builder.Services.AddSingleton<ExportMembership>();
        builder.Services.AddSingleton<ExportQueue>();
        builder.Services.AddSingleton<ExportLeases>();
        builder.Services.AddSingleton<ExportCleanup>();
        builder.Services.AddSingleton<ExportFilters>();
        builder.Services.AddSingleton<SyncExport>();
        builder.Services.AddSingleton<IExportFormat, JsonFormat>();
        builder.Services.AddSingleton<IExportFormat, JsonLinesFormat>();
        builder.Services.AddSingleton<IExportFormat, CsvMessagesFormat>();
        builder.Services.AddSingleton<IExportFormat, CsvChatsFormat>();
        builder.Services.AddSingleton<IExportFormat, OpenAiFormat>();
        builder.Services.TryAddSingleton<IExportWriter, ExportWriter>();
        builder.Services.AddSingleton<ExportRunner>();
        builder.Services.AddHostedService<ExportWorker>();
    }

    // One purger for each feature that stores an organization's data, and those for the data of a chat.
    private static void AddOrganizationData(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IOrganizationPurger, MemberPurger>();
        builder.Services.AddSingleton<IOrganizationPurger, ApiKeyPurger>();
        builder.Services.AddSingleton<IOrganizationPurger, ExportPurger>();
        builder.Services.AddSingleton<IOrganizationPurger, RollupPurger>();
        builder.Services.AddSingleton<IOrganizationPurger, ConversationPurger>();
        builder.Services.AddSingleton(Settings.Bind<PurgeSettings>(builder.Configuration, PurgeSettings.Section));
        builder.Services.AddHostedService<PurgeOrganizations>();
        builder.Services.AddHostedService<PurgeChats>();
    }

    // One for each feature with gauges.
    private static void AddGauges(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IObservableGauges, IngestGauges>();
        builder.Services.AddSingleton<ExportBacklog>();
        builder.Services.AddSingleton<IObservableGauges>(services => services.GetRequiredService<ExportBacklog>());
        builder.Services.AddHostedService(services => services.GetRequiredService<ExportBacklog>());
        builder.Services.AddSingleton(services =>
            ActivatorUtilities.CreateInstance<FeedLag>(services, (IReadOnlyList<string>)[RollupUpdates.Name, SearchIndexer.Name]));
        builder.Services.AddSingleton<IObservableGauges>(services => services.GetRequiredService<FeedLag>());
        builder.Services.AddHostedService(services => services.GetRequiredService<FeedLag>());
    }

    private static void AddShutdown(WebApplicationBuilder builder)
    {
        var settings = Settings.Bind<ShutdownSettings>(builder.Configuration, ShutdownSettings.Section);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton<GracefulShutdown>();
        builder.Services.AddHostedService(services => services.GetRequiredService<GracefulShutdown>());
        builder.Services.Configure<HostOptions>(options =>
        {
            // Exports are handed over while the last requests are answered, not afterwards.
            options.ServicesStopConcurrently = true;
            options.ShutdownTimeout = settings.DrainDelay + ShutdownSettings.FinalResponseTimeout;
        });
    }

    /// <summary>Returns the address at which a service with these arguments is reachable from this machine.</summary>
    public static string Address(string[] args)
    {
        var url = Urls(WebApplication.CreateBuilder(args)).Split(';')[0];
        return url.Replace("://*", "://127.0.0.1", StringComparison.Ordinal)
            .Replace("://+", "://127.0.0.1", StringComparison.Ordinal)
            .Replace("://[::]", "://127.0.0.1", StringComparison.Ordinal)
            .Replace("://0.0.0.0", "://127.0.0.1", StringComparison.Ordinal);
    }

    // --urls and ASPNETCORE_URLS have precedence over PORT, a convention of platforms that expect the service on all addresses; the default
    // is loopback.
    private static string Urls(WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        if (configuration[WebHostDefaults.ServerUrlsKey] is { Length: > 0 } urls)
            return urls;
        if (configuration["PORT"] is { Length: > 0 } port)
        {
            return int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 65_535
                ? $"http://{(builder.Environment.IsDevelopment() ? "127.0.0.1" : "*")}:{number}"
                : throw new StartupException("PORT must be a number from 0 to 65535.");
        }
        if (configuration[WebHostDefaults.HttpPortsKey] is { Length: > 0 } ports)
            return string.Join(';', ports.Split(';').Select(each => $"http://*:{each}"));
        return DefaultUrl;
    }
}
