using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace ChatLogger.Telemetry;

/// <summary>
/// Flushes the last traces and metrics after everything else has stopped, both concurrently and with this timeout. If the host disposed the
/// providers, they would wait five seconds each, and an unresponsive collector must not delay the shutdown.
/// </summary>
internal sealed class FlushTimeout(IServiceProvider services) : IHostedLifecycleService
{
    private const int Milliseconds = 2_000;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.WhenAll(
        Task.Run(() => services.GetService<TracerProvider>()?.Shutdown(Milliseconds), CancellationToken.None),
        Task.Run(() => services.GetService<MeterProvider>()?.Shutdown(Milliseconds), CancellationToken.None));
}
