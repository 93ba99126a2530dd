using System.Runtime.Versioning;
using ChatLogger.Bench.Chaos;
using Xunit.Abstractions;

namespace ChatLogger.Chaos;

/// <summary>The short form of the drill: each fault happens once under load, and no row is lost, duplicated or unexpected.</summary>
[UnsupportedOSPlatform("windows")]
public class DurabilityTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Every_acknowledged_write_is_stored_once_whatever_is_killed_or_cut()
    {
        var said = new StringWriter();
        using var pace = LoadAwareStopwatch.Start();
        var plan = new DrillPlan(
            AppContext.BaseDirectory,
            [.. Fault.All.Select(make => make()).Where(fault => fault.IsShort)],
            Writers: 8,
            Before: TimeSpan.FromSeconds(0.4),
            Lasting: TimeSpan.FromSeconds(0.4),
            After: TimeSpan.FromSeconds(0.1),
            Seed: Random.Shared.Next(),
            Slowness: () => pace.Slowness,
            Environment: ServiceProcess.Runtime,
            // Enough that some request is always in flight, and most of the processors remain for the other tests.
            Rest: TimeSpan.FromMilliseconds(4));

        // On the thread pool: the threads of tests are busy while others start their services, and the writers must not wait for them.
        var report = await Task.Run(() => new Drill(plan, said).Run(CancellationToken.None));

        report.Print(said);
        output.WriteLine($"Seed {plan.Seed}\n{said}");
        Assert.True(report.Kept, $"Seed {plan.Seed}\n{said}");
        Assert.True(report.Operations.Count(one => one.Status == OperationStatus.Acknowledged) > 100, said.ToString());
        // Otherwise the drill cut no write.
        Assert.Contains(report.Operations, one => one.WasUnknown);
    }
}
