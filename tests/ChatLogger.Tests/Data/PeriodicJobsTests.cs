using System.Collections.Concurrent;
using ChatLogger.Data;

namespace ChatLogger.Tests.Data;

/// <summary>The periodic jobs of a service.</summary>
public sealed class PeriodicJobsTests
{
    private readonly ConcurrentQueue<string> _seen = new();

    [Fact]
    public async Task After_a_start_a_job_begins_when_the_one_before_it_has_run()
    {
        using var jobs = new PeriodicJobs([Job("first", ct => Task.Delay(20, ct)), Job("second", _ => Task.CompletedTask)]);

        await jobs.StartAsync(CancellationToken.None);
        await Wait.Until(() => _seen.Contains("second ends"));
        await jobs.StopAsync(CancellationToken.None);

        Assert.Equal(["first begins", "first ends", "second begins", "second ends"], _seen);
    }

    [Fact]
    public async Task A_job_that_does_not_end_holds_up_no_other_and_ends_with_the_service()
    {
        using var jobs = new PeriodicJobs([Job("endless", ct => Task.Delay(Timeout.Infinite, ct)), Job("other", _ => Task.CompletedTask)]);

        await jobs.StartAsync(CancellationToken.None);
        await Wait.Until(() => _seen.Contains("other ends"));
        await Wait.For(jobs.StopAsync(CancellationToken.None));

        Assert.True(jobs.ExecuteTask!.IsCompletedSuccessfully);
        Assert.DoesNotContain(_seen, line => line.Contains("failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_run_that_fails_is_told_and_the_job_runs_again()
    {
        using var jobs = new PeriodicJobs([Job("broken", _ => throw new InvalidOperationException("no"), TimeSpan.FromMilliseconds(1))]);

        await jobs.StartAsync(CancellationToken.None);
        await Wait.Until(() => _seen.Count(line => line == "broken failed: no") > 2);
        await jobs.StopAsync(CancellationToken.None);

        Assert.True(jobs.ExecuteTask!.IsCompletedSuccessfully);
    }

    private TestJob Job(string name, Func<CancellationToken, Task> run, TimeSpan? every = null) =>
        new(name, run, _seen, every ?? TimeSpan.FromHours(1));

    private sealed class TestJob(string name, Func<CancellationToken, Task> run, ConcurrentQueue<string> seen, TimeSpan every)
        : PeriodicJob(every)
    {
        public override async Task Run(CancellationToken ct)
        {
            seen.Enqueue($"{name} begins");
            await run(ct);
            seen.Enqueue($"{name} ends");
        }

        public override void Failed(Exception failure) => seen.Enqueue($"{name} failed: {failure.Message}");
    }
}
