namespace ChatLogger.Telemetry;

/// <summary>Gauges whose numbers come from the database: counted every so often, while somebody wants to know. What is not known is not shown.</summary>
internal abstract partial class PolledGauges<T>(TimeSpan pause, ILogger log) : BackgroundService
    where T : class
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    private volatile T? _last;

    /// <summary>What was counted last; null: nothing, or it could not be.</summary>
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
                // Said once for as long as it lasts.
                _last = null;
                if (!failed)
                    CannotCount(log, failure);
                failed = true;
            }
            // Whoever begins to read shall not wait long for the first number.
            await Task.Delay(IsWanted || pause < Soon ? pause : Soon, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(LogLevel.Warning, "What waits cannot be counted for the metrics; trying again")]
    private static partial void CannotCount(ILogger log, Exception failure);
}
