using System.Globalization;
using System.Reflection;
using ChatLogger.Telemetry.Logs;
using ChatLogger.Telemetry.Prometheus;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ChatLogger.Telemetry;

/// <summary>Puts together what can be seen of the service from outside: its log, and what its settings ask for of metrics and traces.</summary>
internal static class Signals
{
    /// <summary>The meters that are read: ours, the server's, the database driver's, the runtime's.</summary>
    public static readonly IReadOnlyList<string> Meters =
    [
        Instruments.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Npgsql", "System.Runtime",
    ];

    private static readonly string[] Sources = [Instruments.Name, "Microsoft.AspNetCore", "Npgsql"];

    public static void Add(WebApplicationBuilder builder)
    {
        AddLog(builder);
        var settings = TelemetrySettings.Read(builder.Configuration);
        var otlp = OtlpSettings.Read(builder.Configuration);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(otlp);
        // The readers start before what they read.
        AddOtlp(builder, otlp);
        if (settings is not { MetricsUrl: null, MetricsToken: null })
        {
            builder.Services.AddSingleton<Readings>();
            builder.Services.AddHostedService(services => services.GetRequiredService<Readings>());
        }
        builder.Services.AddHostedService<Gauges>();
        if (settings.MetricsUrl is not null)
            builder.Services.AddHostedService<MetricsPort>();
    }

    /// <summary>Outermost, so that what it sees of an answer is what is sent.</summary>
    public static void Use(WebApplication app)
    {
        if (app.Services.GetRequiredService<OtlpSettings>().Traces)
            app.Use(Tracing.Middleware);
    }

    private static void AddLog(WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        var format = builder.Environment.IsDevelopment() ? ReadableLines.Format : JsonLines.Format;
        builder.Logging.AddConsole(console => console.FormatterName ??= format);
        builder.Logging.AddConsoleFormatter<JsonLines, ConsoleFormatterOptions>();
        builder.Logging.AddConsoleFormatter<ReadableLines, ConsoleFormatterOptions>();
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("Npgsql", LogLevel.Warning);
    }

    private static void AddOtlp(WebApplicationBuilder builder, OtlpSettings otlp)
    {
        var configuration = builder.Configuration;
        if (otlp.Traces)
        {
            builder.Services.AddSingleton(_ => Sdk.CreateTracerProviderBuilder()
                .ConfigureServices(services => services.AddSingleton<IConfiguration>(configuration))
                .SetResourceBuilder(Resource())
                .AddSource(Sources)
                .AddProcessor(new Tracing.WithoutIdleQuestions())
                .AddOtlpExporter(exporter => Direct(exporter, "TRACES", configuration))
                .Build());
            builder.Services.AddSingleton<IHostedService>(services => new Sending(services.GetRequiredService<TracerProvider>().Shutdown));
        }
        if (otlp.Metrics)
        {
            builder.Services.AddSingleton(_ => Sdk.CreateMeterProviderBuilder()
                .ConfigureServices(services => services.AddSingleton<IConfiguration>(configuration))
                .SetResourceBuilder(Resource())
                .AddMeter([.. Meters])
                .AddOtlpExporter(exporter => Direct(exporter, "METRICS", configuration))
                .Build());
            builder.Services.AddSingleton<IHostedService>(services => new Sending(services.GetRequiredService<MeterProvider>().Shutdown));
        }
        if (otlp.Logs)
        {
            builder.Logging.AddOpenTelemetry(log =>
            {
                log.IncludeFormattedMessage = true;
                log.SetResourceBuilder(Resource());
                log.AddProcessor(new HarmlessRecords());
                log.AddOtlpExporter(exporter => Direct(exporter, "LOGS", configuration));
            });
        }
    }

    // What is set for one signal alone the exporter, used by itself, does not read.
    private static void Direct(OtlpExporterOptions exporter, string signal, ConfigurationManager configuration)
    {
        if (Own("ENDPOINT") is { } endpoint)
            exporter.Endpoint = new Uri(endpoint);
        if (Own("PROTOCOL") is { } protocol)
            exporter.Protocol = protocol == "grpc" ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        if (Own("HEADERS") is { } headers)
            exporter.Headers = headers;
        if (int.TryParse(Own("TIMEOUT"), NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds))
            exporter.TimeoutMilliseconds = milliseconds;

        string? Own(string what) => configuration[$"OTEL_EXPORTER_OTLP_{signal}_{what}"] is { Length: > 0 } value ? value : null;
    }

    // The last one wins: what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say.
    private static ResourceBuilder Resource() => ResourceBuilder.CreateEmpty()
        .AddTelemetrySdk()
        .AddService("chatlogger", serviceVersion: Version, serviceInstanceId: Instance)
        .AddEnvironmentVariableDetector();

    /// <summary>What is running, without the commit.</summary>
    public static readonly string Version =
        typeof(Signals).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static readonly string Instance = Guid.NewGuid().ToString();

    // A provider listens from when it is made. What it still has goes out when everything else has stopped, all at the same time and for no longer
    // than this: a collector that does not answer must not keep a service from ending.
    private sealed class Sending(Func<int, bool> shutdown) : IHostedLifecycleService
    {
        private const int LastWordsMilliseconds = 2_000;

        public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.Run(() => shutdown(LastWordsMilliseconds), CancellationToken.None);
    }
}
