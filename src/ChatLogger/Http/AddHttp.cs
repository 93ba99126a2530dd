using ChatLogger.Configuration;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace ChatLogger.Http;

internal static class HttpSetup
{
    private const int RefusedBodyBytes = 64 * 1024 * 1024;

    /// <summary>Adds the server with its limits, JSON, and the shutdown that lets requests finish.</summary>
    public static void AddHttp(this WebApplicationBuilder builder)
    {
        var settings = Settings.Bind<ServerSettings>(builder.Configuration, ServerSettings.Section);
        var limits = Settings.Bind<Limits>(builder.Configuration, Limits.Section);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(limits);
        builder.Services.AddSingleton(new BodyMemoryBudget(
            new[] { settings.BodyBytes, limits.BodyBytes, limits.BatchBytes, limits.OtlpBytes, limits.LangfuseBytes }.Max()));
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<IngestActivity>();
        builder.Services.AddSingleton<MatcherPolicy, CaseSensitivePaths>();
        builder.Services.AddSingleton(BasePath.Read(builder.Configuration));
        builder.Services.ConfigureHttpJsonOptions(options => Json.Configure(options.SerializerOptions));
        builder.WebHost.UseUrls(ServerUrls.Read(builder.Configuration, builder.Environment));
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, settings));
        AddShutdown(builder);
    }

    private static void Configure(KestrelServerOptions kestrel, ServerSettings settings)
    {
        kestrel.AddServerHeader = false;
        // This is not the limit of a body, which BodyReader enforces, but how much of it the server still reads after a refusal: a client
        // that is still sending when the connection closes gets a broken pipe instead of the response.
        kestrel.Limits.MaxRequestBodySize = RefusedBodyBytes;
        kestrel.Limits.RequestHeadersTimeout = settings.HeaderTimeout;
        kestrel.Limits.KeepAliveTimeout = settings.KeepAliveTimeout;
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(settings.MinDataRate, ServerSettings.RateGrace);
        kestrel.Limits.MinResponseDataRate = new MinDataRate(settings.MinDataRate, ServerSettings.RateGrace);
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
}
