namespace ChatLogger.ExportJobs;

/// <summary>
/// Claims exports from the queue and writes a few at a time. A failure of one export does not affect the others, and the worker survives
/// any failure of the database.
/// </summary>
internal sealed partial class ExportWorker(
    ExportQueue queue,
    ExportLeases leases,
    ExportCleanup cleanup,
    ExportRunner runner,
    ExportSettings settings,
    ILogger<ExportWorker> log)
    : BackgroundService
{
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(15);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        settings.Workers == 0 ? Task.CompletedTask : Task.WhenAll(Work(stoppingToken), CleanupLoop(stoppingToken));

    private async Task Work(CancellationToken stopping)
    {
        var running = new List<Task>();
        var pause = settings.Poll;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                running.RemoveAll(export => export.IsCompleted);
                if (running.Count >= settings.Workers)
                {
                    await Task.WhenAny(running).WaitAsync(stopping);
                    continue;
                }
                var lease = await leases.Claim(stopping);
                pause = settings.Poll;
                if (lease is null)
                    await queue.Claims.Wait(settings.Poll, stopping);
                else
                    running.Add(Task.Run(() => Run(lease, stopping), CancellationToken.None));
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
            }
            catch (Exception failure)
            {
                CannotClaim(log, failure);
                await Task.Delay(pause, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < MaxDelay ? pause * 2 : MaxDelay;
            }
        }
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task CleanupLoop(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await cleanup.Run(stopping);
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
            }
            catch (Exception failure)
            {
                CannotCleanUp(log, failure);
            }
            await queue.Cleanup.Wait(settings.Sweep, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task Run(ExportLease lease, CancellationToken stopping)
    {
        await runner.Run(lease, stopping);
        queue.Claims.Wake();
    }

    [LoggerMessage(LogLevel.Warning, "The export queue cannot be read; retrying")]
    private static partial void CannotClaim(ILogger log, Exception failure);

    [LoggerMessage(LogLevel.Warning, "Export clean-up failed; retrying")]
    private static partial void CannotCleanUp(ILogger log, Exception failure);
}
