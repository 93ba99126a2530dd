namespace ChatLogger.Telemetry;

/// <summary>Gauges that are counted in the database periodically, while somebody reads them. Unknown values are not reported.</summary>
internal abstract partial class PolledGauges<T>(TimeSpan pause, ILogger log) : BackgroundService
    where T : class
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    private volatile T? _last;

    /// <summary>The last count; null when there is none, or counting failed.</summary>
    protected T? Last => _last;

    /// <summary>Whether somebody reads the gauges.</summary>
    protected abstract bool IsWanted { get; }

    protected abstract Task<T?> Count(CancellationToken ct);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failed = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (IsWanted)
                    _last = await Count(stoppingToken);
                failed = false;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
            }
            catch (Exception failure)
            {
                // Logs once per outage.
                _last = null;
                if (!failed)
                    CannotCount(log, failure);
                failed = true;
            }
            // A new reader must not wait long for the first value.
            await Task.Delay(IsWanted || pause < Soon ? pause : Soon, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Polled metrics cannot be read; retrying")]
    private static partial void CannotCount(ILogger log, Exception failure);
}
