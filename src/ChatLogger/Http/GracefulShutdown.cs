namespace ChatLogger.Http;

/// <summary>
/// Between the signal to stop and the closing of the door: whoever still comes is served, and told to come to somebody else the next time. The
/// host closes the door, and ends what works in the background, when this is over.
/// </summary>
internal sealed partial class GracefulShutdown(ShutdownSettings settings, IHostApplicationLifetime lifetime, ILogger<GracefulShutdown> log) : IHostedLifecycleService
{
    /// <summary>A connection that ends with an answer is not one that ends under the next request.</summary>
    public Task Middleware(HttpContext context, RequestDelegate next)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested && HttpProtocol.IsHttp11(context.Request.Protocol))
            context.Response.Headers.Connection = "close";
        return next(context);
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (settings.DrainDelay == TimeSpan.Zero)
            return;
        // The signal has said so already; a host that is stopped by its program says it only afterwards.
        lifetime.StopApplication();
        StartedDraining(log, settings.DrainDelay.TotalSeconds);
        await Task.Delay(settings.DrainDelay, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Information, "Stopping: not ready from now on, requests are accepted for another {Seconds} s")]
    private static partial void StartedDraining(ILogger log, double seconds);
}
