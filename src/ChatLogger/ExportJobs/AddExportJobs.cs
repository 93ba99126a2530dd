using ChatLogger.Telemetry;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace ChatLogger.ExportJobs;

internal static class ExportJobsSetup
{
    /// <summary>Adds the queue of exports with its worker, the formats, and the store that the settings choose.</summary>
    public static void AddExportJobs(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        var settings = ExportSettings.Read(builder.Configuration);
        services.AddSingleton(settings);
        AddStore(services, settings);
        services.AddSingleton<ExportMembership>();
        services.AddSingleton<ExportQueue>();
        services.AddSingleton<ExportLeases>();
        services.AddSingleton<ExportCleanup>();
        services.AddSingleton<SyncExport>();
        AddFormats(services);
        services.TryAddSingleton<IExportWriter, ExportWriter>();
        services.AddSingleton<ExportRunner>();
        services.AddHostedService<ExportWorker>();
        services.AddSingleton<ExportBacklog>();
        services.AddSingleton<IObservableGauges>(provider => provider.GetRequiredService<ExportBacklog>());
        services.AddHostedService(provider => provider.GetRequiredService<ExportBacklog>());
    }

    private static void AddStore(IServiceCollection services, ExportSettings settings)
    {
        if (settings.Directory is { Length: > 0 } directory)
            services.AddSingleton<IExportStore>(new FileExportStore(Path.GetFullPath(directory)));
        else
            services.AddSingleton<IExportStore, DatabaseExportStore>();
    }

    private static void AddFormats(IServiceCollection services)
    {
        services.AddSingleton<IExportFormat, JsonFormat>();
        services.AddSingleton<IExportFormat, JsonLinesFormat>();
        services.AddSingleton<IExportFormat, CsvMessagesFormat>();
        services.AddSingleton<IExportFormat, CsvChatsFormat>();
        services.AddSingleton<IExportFormat, OpenAiFormat>();
    }
}
