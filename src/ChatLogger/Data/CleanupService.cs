using System.Diagnostics;

namespace ChatLogger.Data;

/// <summary>
/// Removes in the background what nobody needs any more: a round every so often, until the service stops. A round that fails is said, and the next
/// one goes on. Several instances may do so at once.
/// </summary>
internal abstract class CleanupService(TimeSpan every) : BackgroundService
{
    // Also where nothing could be removed because others hold it.
    private static readonly TimeSpan MinimumInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>One round: until nothing is left that can be removed now.</summary>
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

    /// <summary>Between two pieces of a round. Nobody waits for it, and others wait for the database: as much rest as work.</summary>
    protected static Task Delay(long since, CancellationToken ct)
    {
        var worked = Stopwatch.GetElapsedTime(since);
        return Task.Delay(worked > MinimumInterval ? worked : MinimumInterval, ct);
    }
}
