namespace ChatLogger.Http;

/// <summary>
/// Drains requests between the stop signal and the closing of the listening sockets: new requests are served, and their clients are told to
/// reconnect, so that a load balancer sends them elsewhere. Afterwards the host closes the sockets and stops background work.
/// </summary>
internal sealed partial class GracefulShutdown(ShutdownSettings settings, IHostApplicationLifetime lifetime, ILogger<GracefulShutdown> log)
    : IHostedLifecycleService
{
    /// <summary>Closes each connection together with a response, so that it does not break under the next request.</summary>
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
        // After a signal this is already done; a host that the program stops would do it only afterwards.
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
