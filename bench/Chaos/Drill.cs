using System.Globalization;
using ChatLogger.Bench.Http;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Program is the folder of ChatLogger.dll. Each fault is a round, in this order: no fault for a random time up to Before, the fault for
/// about Lasting if it has a duration, and no fault for After. Promises in seconds assume an otherwise idle machine: Slowness is the factor
/// by which this one extends time. Environment is passed to the service in addition to its settings. Rest is each writer's pause between
/// two operations.
/// </summary>
internal sealed record DrillPlan(
    string Program,
    IReadOnlyList<Fault> Faults,
    int Writers,
    TimeSpan Before,
    TimeSpan Lasting,
    TimeSpan After,
    int Seed,
    bool Keep = false,
    bool Pooled = false,
    bool Clustered = false,
    Func<double>? Slowness = null,
    IReadOnlyDictionary<string, string>? Environment = null,
    TimeSpan Rest = default);

/// <summary>
/// Writers write, a fault is injected and removed, the writers retry what has no certain outcome with the same keys, and then everything is
/// read and compared with the responses. Round after round on the same data.
/// </summary>
internal sealed class Drill(DrillPlan plan, TextWriter output)
{
    private const int SharedChats = 16;

    /// <summary>Promised: recovery within 10 s of the return.</summary>
    private static readonly TimeSpan LongestRecovery = TimeSpan.FromSeconds(10);

    /// <summary>Promised.</summary>
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(5);

    /// <summary>In MiB.</summary>
    private const long MostMemory = 512;

    private static readonly TimeSpan RecoveryTimeout = TimeSpan.FromSeconds(60);

    // Longer than anything promised, so a request that takes longer would never have been answered.
    private static readonly TimeSpan LongestRequest = TimeSpan.FromSeconds(15);

    private readonly Random random = new(plan.Seed);
    private readonly List<Violation> findings = [];
    private readonly List<TimeSpan> recoveries = [];

    public async Task<DrillReport> Run(CancellationToken stop)
    {
        var directory = Directory.CreateTempSubdirectory("chatlogger-drill-").FullName;
        // PostgreSQL's own account passes through when we are root.
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(directory, File.GetUnixFileMode(directory) | UnixFileMode.OtherExecute | UnixFileMode.GroupExecute);
        DrillReport? report = null;
        try
        {
            await using var journal = new Journal(new StreamWriter(Path.Combine(directory, "journal")));
            await using var site = await TestEnvironment.Open(
                plan.Program,
                directory,
                plan.Faults.Any(fault => fault.NeedsRelay),
                plan.Pooled || plan.Faults.Any(fault => fault.NeedsPooler),
                plan.Clustered || plan.Faults.Any(fault => fault is { NeedsCluster: true, Missing: null }),
                plan.Environment ?? new Dictionary<string, string>());
            return report = await Run(site, journal, stop);
        }
        finally
        {
            if (plan.Keep || report is not { Kept: true })
                await output.WriteLineAsync($"Journal, logs and cluster are in {directory}");
            else
                Directory.Delete(directory, recursive: true);
        }
    }

    private async Task<DrillReport> Run(TestEnvironment site, Journal journal, CancellationToken stop)
    {
        using var http = new HttpClient(
            new SocketsHttpHandler
            {
                PooledConnectionLifetime = TimeSpan.FromSeconds(1),
                MaxConnectionsPerServer = 1024,
                UseCookies = false,
                UseProxy = false,
                AllowAutoRedirect = false,
            })
        {
            BaseAddress = site.Address,
            Timeout = LongestRequest,
        };
        var writers = new Writers(new Plugin(http, TestEnvironment.Slug, site.Key), journal, plan.Writers, plan.Seed) { Rest = plan.Rest };
        var reader = new Reader(http, site);
        await writers.Prepare(SharedChats);

        await output.WriteLineAsync("round  fault            sent     ok  refused  open  had arrived  recovered after   memory");
        for (var round = 0; round < plan.Faults.Count && !stop.IsCancellationRequested; round++)
        {
            if (plan.Faults[round].Missing is { } missing)
            {
                await output.WriteLineAsync(
                    string.Create(CultureInfo.InvariantCulture, $"{round + 1,5}  {plan.Faults[round].Name,-14} skipped: {missing}"));
                continue;
            }
            try
            {
                await Round(round + 1, plan.Faults[round], site, writers, journal, reader);
            }
            // It does not start again, so no request can be sent.
            catch (UsageException failure)
            {
                findings.Add(new(ViolationKind.Misbehaved, $"round {round + 1}, {plan.Faults[round].Name}: {failure.Message}"));
                return new DrillReport(journal.Operations, findings, recoveries, writers.Slowest, 0, 0);
            }
            finally
            {
                await writers.Stop();
            }
            // The stored data is wrong from now on; another round would only report the same.
            if (findings.Count > 0)
                break;
        }

        findings.AddRange(
            writers.Surprises.Select(surprise => new Violation(ViolationKind.Misbehaved, $"{surprise.Value} × {surprise.Key}")));
        var rows = await reader.Tables();
        List<Row> exported = [];
        try
        {
            exported = await reader.Export();
            findings.AddRange(
                Checker.Check(journal.Operations, exported).Select(finding => finding with { Sentence = $"export: {finding.Sentence}" }));
            findings.AddRange(Checker.Count(rows, await reader.Summary()));
        }
        catch (Exception failure) when (failure is ServiceException or HttpRequestException)
        {
            findings.Add(new(ViolationKind.Misbehaved, failure.Message));
        }
        return new DrillReport(journal.Operations, findings, recoveries, writers.Slowest, rows.Count, exported.Count);
    }

    private TimeSpan Stretched(TimeSpan promised) => promised * (plan.Slowness?.Invoke() ?? 1);

    /// <summary>A violation of /healthz/live, if there is one.</summary>
    private async Task<string?> Alive(TestEnvironment site, CancellationToken ended)
    {
        using var http = new HttpClient { Timeout = Stretched(TimeSpan.FromSeconds(2)) };
        while (!ended.IsCancellationRequested)
        {
            try
            {
                using var answer = await http.GetAsync(
                    new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{site.Service.Port}/healthz/live")),
                    CancellationToken.None);
                if ((int)answer.StatusCode != 200)
                    return string.Create(CultureInfo.InvariantCulture, $"/healthz/live answered {(int)answer.StatusCode}");
            }
            catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
            {
                return $"/healthz/live did not answer: {failure.Message}";
            }
            await Task.WhenAny(Task.Delay(100, ended));
        }
        return null;
    }

    private async Task Round(int number, Fault fault, TestEnvironment site, Writers writers, Journal journal, Reader reader)
    {
        var known = journal.Operations.Count;
        writers.Start();
        await Task.Delay(plan.Before * (0.2 + 0.8 * random.NextDouble()));

        journal.Note($"round {number}: {fault.Name} begins");
        writers.Fault = true;
        using var ended = new CancellationTokenSource();
        var living = fault.LeavesService ? Alive(site, ended.Token) : Task.FromResult<string?>(null);
        await fault.Begin(site, writers);
        await Task.Delay(plan.Lasting * fault.Lasts * random.NextDouble() + plan.Lasting * fault.Lasts / 2);
        var told = await fault.End(site);
        journal.Note($"round {number}: {fault.Name} is put right; {told}");

        var since = TimeProvider.System.GetTimestamp();
        var isBack = await writers.AllSucceed(RecoveryTimeout);
        var recovery = TimeProvider.System.GetElapsedTime(since);
        recoveries.Add(recovery);
        await ended.CancelAsync();
        foreach (var broken in fault.Broken.Append(await living).OfType<string>())
            findings.Add(new(ViolationKind.Misbehaved, $"round {number}, {fault.Name}: {broken}"));
        writers.Fault = false;
        journal.Note(
            string.Create(CultureInfo.InvariantCulture, $"round {number}: all writers succeed again after {recovery.TotalSeconds:0.00} s"));
        if (!isBack || recovery > Stretched(LongestRecovery))
            findings.Add(
                new(
                    ViolationKind.Misbehaved,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"round {number}, {fault.Name}: not back after {recovery.TotalSeconds:0.0} s")));
        if (site.Service.HasEnded)
            findings.Add(new(ViolationKind.Misbehaved, $"round {number}, {fault.Name}: the service has ended"));

        // While the others continue to write, as they would.
        var open = await writers.Replay(RecoveryTimeout);
        await Task.Delay(plan.After);
        await writers.Stop();
        open += await writers.Replay(RecoveryTimeout);
        if (open > 0)
            findings.Add(
                new(ViolationKind.Misbehaved, $"round {number}, {fault.Name}: {open} operations stay open, however often one asks"));

        var all = journal.Operations;
        findings.AddRange(
            Checker
                .Check(all, await reader.Tables())
                .Select(finding => finding with { Sentence = $"round {number}, {fault.Name}: {finding.Sentence}" }));
        var mine = all.Skip(known).ToList();
        if (fault.FailsNobody && mine.Count(one => one is { WasUnknown: true, Acceptable: true }) is > 0 and var failed)
            findings.Add(new(ViolationKind.Misbehaved, $"round {number}, {fault.Name}: {failed} requests failed, and none had to"));
        if (fault.AnswersAll && mine.Count(one => one is { WasUnknown: true, HadArrived: true }) is > 0 and var unanswered)
            findings.Add(new(ViolationKind.Misbehaved, $"round {number}, {fault.Name}: {unanswered} requests were done and not answered"));
        if (writers.Slowest > Stretched(LongestAnswer))
            findings.Add(
                new(
                    ViolationKind.Misbehaved,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"round {number}, {fault.Name}: an answer took {writers.Slowest.TotalSeconds:0.0} s")));
        var memory = site.Service.PeakMemory() / (1L << 20);
        if (memory > MostMemory)
            findings.Add(
                new(
                    ViolationKind.Misbehaved,
                    string.Create(CultureInfo.InvariantCulture, $"round {number}, {fault.Name}: the service took {memory} MiB")));
        await output.WriteLineAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{number,5}  {fault.Name,-14} {mine.Count,6} {mine.Count(one => one.Status == OperationStatus.Acknowledged),6} "
                    + $"{mine.Count(one => one.Status == OperationStatus.Refused),8} {mine.Count(one => one.WasUnknown),5} "
                    + $"{mine.Count(one => one is { WasUnknown: true, HadArrived: true }),12} {recovery.TotalSeconds,14:0.00} s "
                    + $"{memory,4} MiB{(told.Length > 0 ? $"  ({told})" : "")}"));
    }
}
