using System.Globalization;

namespace ChatLogger.Bench.Chaos;

/// <summary>The result of a drill.</summary>
internal sealed record DrillReport(
    IReadOnlyList<Operation> Operations,
    IReadOnlyList<Violation> Findings,
    IReadOnlyList<TimeSpan> Recoveries,
    TimeSpan Slowest,
    int RowsByTables,
    int RowsByExport)
{
    private const int Examples = 20;

    /// <summary>Of the acceptable operations sent without a fault, the share that was acknowledged at the first attempt.</summary>
    public double ShareInPeace
    {
        get
        {
            var peaceful = Operations.Where(one => one is { DuringFault: false, Acceptable: true }).ToList();
            var atOnce = peaceful.Count(one => one is { Status: OperationStatus.Acknowledged, WasUnknown: false });
            return peaceful.Count == 0 ? 0 : (double)atOnce / peaceful.Count;
        }
    }

    /// <summary>Whether every promise was kept.</summary>
    public bool Kept => Findings.Count == 0 && ShareInPeace >= 0.5;

    public void Print(TextWriter output)
    {
        int Count(Func<Operation, bool> which) => Operations.Count(which);
        var recoveries = Recoveries.Order().ToList();
        var acknowledged = Count(one => one.Status == OperationStatus.Acknowledged);
        var refused = Count(one => one.Status == OperationStatus.Refused);
        var open = Count(one => one.Status == OperationStatus.Unknown);
        var replayed = Count(one => one.WasUnknown);
        var arrived = Count(one => one is { WasUnknown: true, HadArrived: true });
        var recovered = recoveries.Count == 0
            ? "-"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{recoveries[recoveries.Count / 2].TotalSeconds:0.00} s (median), {recoveries[^1].TotalSeconds:0.00} s (longest)");
        var violations = Enum.GetValues<ViolationKind>()
            .Select(kind => $"{kind.ToString().ToLowerInvariant()} {Findings.Count(finding => finding.Kind == kind)}");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            sent                {Operations.Count}: {acknowledged} acknowledged, {refused} refused, {open} open in the end
            replayed            {replayed}, of which {arrived} had arrived
            read                {RowsByTables} by SQL, {RowsByExport} by export
            in peace            {ShareInPeace:P1} acknowledged at once
            recovered after     {recovered}
            slowest answer      {Slowest.TotalSeconds:0.00} s
            {string.Join(", ", violations)}
            """));
        foreach (var finding in Findings.Take(Examples))
            output.WriteLine($"  {finding.Kind}: {finding.Sentence}");
        if (Findings.Count > Examples)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  … and {Findings.Count - Examples} more"));
        output.WriteLine(Kept ? "Every promise was kept." : "A promise was broken.");
    }
}
