using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace ChatLogger.Data;

/// <summary>
/// A background job that <see cref="PeriodicJobs"/> runs again and again until the service stops; most remove obsolete data. A failed run
/// is logged, and the next one continues. Several instances may run it concurrently.
/// </summary>
internal abstract class PeriodicJob(TimeSpan every)
{
    // The pause also applies when nothing could be removed because other instances hold the locks.
    private static readonly TimeSpan MinimumInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>The pause between the end of a run and the next one.</summary>
    public TimeSpan Every { get; } = every;

    /// <summary>One run: goes on until nothing more is to be done now.</summary>
    public abstract Task Run(CancellationToken ct);

    /// <summary>Logs why a run failed.</summary>
    public abstract void Failed(Exception failure);

    /// <summary>
    /// Pauses between two batches for as long as the last one took, because no caller waits for the job but others need the database.
    /// </summary>
    protected static Task Delay(long since, CancellationToken ct)
    {
        var worked = Stopwatch.GetElapsedTime(since);
        return Task.Delay(worked > MinimumInterval ? worked : MinimumInterval, ct);
    }
}

/// <summary>Runs the jobs, each again after its pause.</summary>
internal sealed class PeriodicJobs(IEnumerable<PeriodicJob> jobs) : BackgroundService
{
    // After a start the jobs begin one after the other, so that they share a connection. One that takes longer lets the next one begin.
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var running = new List<Task>();
        foreach (var job in jobs)
        {
            var first = TryRun(job, stoppingToken);
            running.Add(Repeat(job, first, stoppingToken));
            await Task.WhenAny(first, Task.Delay(Turn, stoppingToken));
        }
        await Task.WhenAll(running);
    }

    private static async Task Repeat(PeriodicJob job, Task run, CancellationToken stopping)
    {
        while (true)
        {
            await run;
            await Task.Delay(job.Every, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested)
                return;
            run = TryRun(job, stopping);
        }
    }

    private static async Task TryRun(PeriodicJob job, CancellationToken stopping)
    {
        try
        {
            await job.Run(stopping);
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
        }
        catch (Exception failure)
        {
            job.Failed(failure);
        }
    }
}

internal static class PeriodicJobsSetup
{
    public static void AddPeriodicJob<T>(this IServiceCollection services)
        where T : PeriodicJob
    {
        services.TryAddSingleton<T>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<PeriodicJob, T>(provider => provider.GetRequiredService<T>()));
        services.AddHostedService<PeriodicJobs>();
    }
}
