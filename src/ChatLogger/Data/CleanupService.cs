using System.Diagnostics;

namespace ChatLogger.Data;

/// <summary>
/// A periodic background job that removes obsolete data until the service stops. A failed run is logged, and the next one continues.
/// Several instances may run it concurrently.
/// </summary>
internal abstract class CleanupService(TimeSpan every) : BackgroundService
{
    // The pause also applies when nothing could be removed because other instances hold the locks.
    private static readonly TimeSpan MinimumInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>One run: repeats until nothing more can be removed now.</summary>
    public abstract Task Run(CancellationToken ct);

    protected abstract void Failed(Exception failure);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Run(stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
            }
            catch (Exception failure)
            {
                Failed(failure);
            }
            await Task.Delay(every, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Pauses between two batches for as long as the last one took, because no caller waits for the cleanup but others need the database.
    /// </summary>
    protected static Task Delay(long since, CancellationToken ct)
    {
        var worked = Stopwatch.GetElapsedTime(since);
        return Task.Delay(worked > MinimumInterval ? worked : MinimumInterval, ct);
    }
}
