using ChatLogger.ChangeFeed;
using ChatLogger.Configuration;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.Http;
using ChatLogger.Ingest;
using ChatLogger.Rollups;
using ChatLogger.SearchIndex;
using ChatLogger.Telemetry;
using ChatLogger.Webhooks;
using FluentValidation;

namespace ChatLogger.Features;

internal static class FeaturesSetup
{
    /// <summary>Adds the handlers and validators of all slices, and what slices share or run in the background.</summary>
    public static void AddFeatures(this WebApplicationBuilder builder)
    {
        AddHandlers(builder.Services);
        AddWriters(builder.Services);
        builder.Services.AddSingleton<ExportFilters>();
        builder.Services.AddSingleton<IWebhookPayloads, WebhookPayloads>();
        builder.Services.AddSingleton<IFinishedJobs, FinishedExports>();
        builder.Services.AddSingleton<IFinishedJobs, FinishedErasures>();
        builder.Services.AddSingleton(_ => DashboardFiles.Read());
        AddPurging(builder);
    }

    private static void AddHandlers(IServiceCollection services)
    {
        services.AddMediatR(options =>
        {
            options.RegisterServicesFromAssemblyContaining<Program>();
            options.AddOpenBehavior(typeof(ValidationBehavior<,>), ServiceLifetime.Singleton);
            options.Lifetime = ServiceLifetime.Singleton;
        });
        foreach (var validator in AssemblyScanner.FindValidatorsInAssembly(typeof(Program).Assembly, includeInternalTypes: true))
            services.AddSingleton(validator.InterfaceType, validator.ValidatorType);
    }

    private static void AddWriters(IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, ChatsJson.Default));
        services.AddSingleton<QueueCapacities>();
        services.AddSingleton(provider => provider.GetRequiredService<GroupCommitFactory>().Create("single"));
        services.AddPeriodicJob<ConversationAudit>();
        services.AddSingleton<OrganizationSecrets>();
        services.AddSingleton<Tombstones>();
        services.AddSingleton<ExistingChats>();
        services.AddSingleton<ChatWriter>();
        services.AddSingleton<MessageWriter>();
        services.AddSingleton<FeedbackWriter>();
        services.AddSingleton<FeedbackQueue>();
        services.AddSingleton<BatchWriter>();
        services.AddSingleton<BatchRules>();
        services.AddSingleton<StoredTranscripts>();
        services.AddSingleton<GonePieces>();
        services.AddSingleton<ExchangeWriter>();
        services.AddSingleton<RatingWriter>();
        services.AddSingleton<EventStore>();
        services.AddSingleton<LangfuseGenerations>();
        services.AddSingleton<LunaryRuns>();
        services.AddPeriodicJob<EventCleanup>();
        services.AddSingleton<IObservableGauges, IngestGauges>();
    }

    // One purger for each feature or engine that stores an organization's data, in the order in which they run, and those for the data of a
    // chat.
    private static void AddPurging(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IOrganizationPurger, MemberPurger>();
        builder.Services.AddSingleton<IOrganizationPurger, ApiKeyPurger>();
        builder.Services.AddSingleton<IOrganizationPurger, ExportPurger>();
        builder.Services.AddSingleton<IOrganizationPurger, RollupPurger>();
        builder.Services.AddSingleton<IOrganizationPurger, OrganizationEventsPurger>();
        builder.Services.AddSingleton<IOrganizationPurger>(services => services.GetRequiredService<SearchPurger>());
        builder.Services.AddSingleton<IOrganizationPurger, EventPurger>();
        builder.Services.AddSingleton<IOrganizationPurger>(services => services.GetRequiredService<WebhookPurger>());
        builder.Services.AddSingleton<IOrganizationPurger, ErasurePurger>();
        builder.Services.AddSingleton<IOrganizationPurger, ConversationPurger>();
        builder.Services.AddSingleton<KeyPurger>();
        builder.Services.AddSingleton(Settings.Bind<PurgeSettings>(builder.Configuration, PurgeSettings.Section));
        builder.Services.AddPeriodicJob<PurgeOrganizations>();
        builder.Services.AddPeriodicJob<PurgeChats>();
        builder.Services.AddSingleton(Settings.Bind<RetentionSettings>(builder.Configuration, RetentionSettings.Section));
        builder.Services.AddPeriodicJob<ExpireChats>();
        builder.Services.AddSingleton(Settings.Bind<ErasureSettings>(builder.Configuration, ErasureSettings.Section));
        builder.Services.AddSingleton<ErasedIdsFile>();
        builder.Services.AddSingleton<HideChats>();
        builder.Services.AddSingleton<ErasedTraces>();
        builder.Services.AddPeriodicJob<EraseChats>();
        builder.Services.AddPeriodicJob<ErasureCleanup>();
    }
}
