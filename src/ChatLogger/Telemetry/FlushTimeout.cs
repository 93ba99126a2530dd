using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace ChatLogger.Telemetry;

/// <summary>
/// Sends the last traces and metrics when everything else has stopped, both at the same time and for no longer than this. Disposed of by the host, the
/// providers would wait for five seconds each, and a collector that does not answer must not keep a service from ending.
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
