using System.Globalization;

namespace ChatLogger.Bench.Comparison;

/// <summary>
/// Puts all targets under the same load in turns; prints each result and the ratio of this service to each of the others.
/// </summary>
internal sealed class PairedRun(IReadOnlyList<Contender> contenders, int? postgres, TextWriter output)
{
    /// <summary>The contenders whose rates the others are compared with; none: each is compared with the first.</summary>
    public IReadOnlyList<Contender> References { get; init; } = [];

    private sealed record Round(Sample Sample, Shares? Shares, long? Memory);

    /// <returns>Whether every request was answered and none refused.</returns>
    public async Task<bool> Run(string unit, IReadOnlyList<int> connections, int rounds, int seconds, int warmUp, CancellationToken stop)
    {
        if (warmUp > 0)
        {
            foreach (var contender in contenders)
                await contender.Run(Math.Min(64, connections.Max()), warmUp, stop);
        }

        var clean = true;
        Print($"{unit} per second, {rounds} rounds in turns of {seconds} s each: median (least to most).");
        Print($"Processors used by server, PostgreSQL, load, others; idle.");
        foreach (var count in connections)
        {
            var results = contenders.ToDictionary(contender => contender, _ => new List<Round>());
            for (var round = 0; round < rounds; round++)
            {
                foreach (var contender in contenders)
                    results[contender].Add(await Measure(contender, count, seconds, stop));
            }

            Print($"");
            Print($"{count} connection{(count == 1 ? "" : "s")}");
            foreach (var contender in contenders)
                clean &= PrintOne(contender, results[contender]);
            var pairs = References.Count == 0
                ? contenders.Skip(1).Select(other => (contenders[0], other))
                : References.SelectMany(reference => contenders.Except(References).Select(each => (each, reference)));
            foreach (var (one, other) in pairs)
                Print($"  {one.Name} : {other.Name} = {Spread.OfRatios(Rates(results[one]), Rates(results[other])).ToString("0.00")}");
        }
        return clean;
    }

    private async Task<Round> Measure(Contender contender, int connections, int seconds, CancellationToken stop)
    {
        var before = Processors.Look(contender.Pid, postgres);
        var sample = await contender.Run(connections, seconds, stop);
        var shares = before is null ? null : Processors.Look(contender.Pid, postgres)?.Since(before);
        return new Round(sample, shares, Processors.Memory(contender.Pid));
    }

    private bool PrintOne(Contender contender, List<Round> rounds)
    {
        var line = $"  {contender.Name,-10} {Spread.Of(Rates(rounds)).ToString("0"),-24}";
        if (
            Middle(rounds, round => round.Sample.P50?.TotalMilliseconds) is { } p50
            && Middle(rounds, round => round.Sample.P99?.TotalMilliseconds) is { } p99)
            line += Text($" p50 {p50,7:0.00} ms  p99 {p99,7:0.00} ms");
        if (Middle(rounds, round => round.Shares?.Server) is { } server)
        {
            line += Text($"  cpu {server:0.00} {Middle(rounds, round => round.Shares?.Postgres):0.00}");
            line += Text($" {Middle(rounds, round => round.Shares?.Load):0.00}");
            line += Text($" {Middle(rounds, round => round.Shares?.Others):0.00}; {Middle(rounds, round => round.Shares?.Idle):0.00}");
        }
        if (Middle(rounds, round => round.Memory) is { } memory)
            line += Text($"  {memory / 1e6:0} MB");
        output.WriteLine(line);

        foreach (var round in rounds.Where(round => round.Sample.Failed > 0))
            Print($"  {contender.Name}: {round.Sample.Failed} requests FAILED ({round.Sample.Failures})");
        return rounds.TrueForAll(round => round.Sample.Failed == 0);
    }

    private static double[] Rates(List<Round> rounds) => [.. rounds.Select(round => round.Sample.PerSecond)];

    private static double? Middle(List<Round> rounds, Func<Round, double?> value) =>
        rounds.Select(value).OfType<double>().ToArray() is { Length: > 0 } values ? Spread.Of(values).Median : null;

    private void Print(FormattableString line) => output.WriteLine(Text(line));

    private static string Text(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}
