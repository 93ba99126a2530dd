using System.Diagnostics;
using ChatLogger.Configuration;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace ChatLogger.Telemetry;

/// <summary>
/// Serves <c>/metrics</c> at an address of its own to anyone who can reach it. This separate server has no other routes, and shares neither
/// limits nor connections with the main one.
/// </summary>
internal sealed partial class MetricsPort(TelemetrySettings settings, MetricsPage page, ILogger<MetricsPort> log)
    : IHostedService,
        IAsyncDisposable
{
    private const string Path = "/metrics";

    private const int MostConnections = 16;

    private WebApplication? _server;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls(settings.MetricsUrl!).ConfigureKestrel(Limit);
        // Reading the metrics must not appear among the traced requests.
        builder.Services.AddSingleton(new ActivitySource($"{Instruments.Name}.MetricsPort"));
        _server = builder.Build();
        _server.Run(Answer);
        try
        {
            await _server.StartAsync(cancellationToken);
        }
        catch (IOException failure)
        {
            throw new StartupException(
                $"Cannot listen at {settings.MetricsUrl} ({TelemetrySettings.Section}__MetricsUrl): "
                    + $"{failure.Message.Split('\n')[0].TrimEnd(' ', '\r', '.')}."
            );
        }
        Listening(log, string.Join(", ", _server.Urls.Select(url => url + Path)));
    }

    public Task StopAsync(CancellationToken cancellationToken) => _server?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }

    private static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = MostConnections;
        kestrel.Limits.MaxRequestBodySize = 0;
    }

    private Task Answer(HttpContext context)
    {
        var response = context.Response;
        if (context.Request.Path != Path)
        {
            response.StatusCode = StatusCodes.Status404NotFound;
        }
        else if (!HttpMethods.IsGet(context.Request.Method))
        {
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            response.Headers.Allow = HttpMethods.Get;
        }
        else
        {
            return page.Answer(context);
        }
        return Task.CompletedTask;
    }

    [LoggerMessage(LogLevel.Information, "Metrics are at {Urls}")]
    private static partial void Listening(ILogger log, string urls);
}
