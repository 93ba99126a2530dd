using System.CommandLine;
using System.Globalization;
using ChatLogger.Bench.Chaos;

namespace ChatLogger.Bench.Verbs;

/// <summary>drill: injects faults while writers write, and checks that nothing was lost, duplicated or invented.</summary>
internal static class DrillVerb
{
    public static Command Create()
    {
        var faults = new Option<string>("--fault")
        {
            Description = $"What goes wrong, in turns, with commas between: {string.Join(", ", Fault.All.Select(make => make().Name))}",
            DefaultValueFactory = _ => "service,postgres",
        };
        var rounds = new Option<int>("--rounds") { Description = "How often each", DefaultValueFactory = _ => 20 };
        var writers = new Option<int>("--writers") { Description = "How many write at once", DefaultValueFactory = _ => 16 };
        var seconds = new Option<int>("--seconds") { Description = "How long a fault lasts that lasts", DefaultValueFactory = _ => 6 };
        var app = new Option<DirectoryInfo?>("--app")
        {
            Description = "Folder of a published service (default: the one that was built with the bench)",
        };
        var seed = new Option<int?>("--seed")
        {
            Description = "Number that what is sent and when faults begin are drawn from (default: another each time)",
        };
        var full = new Option<bool>("--full")
        {
            Description = "All faults, each as often as it takes to be sure; under 20 minutes. --fault and --rounds do not count",
        };
        var pooled = new Option<bool>("--pooler") { Description = "PgBouncer in transaction mode between service and PostgreSQL" };
        var citus = new Option<bool>("--citus") { Description = "PostgreSQL is a Citus cluster: a coordinator and two workers" };
        var keep = new Option<bool>("--keep") { Description = "Leave journal, logs and cluster behind, also when all went well" };

        var verb = new Command("drill", "Kill or cut the service and PostgreSQL under load, and check that nothing is lost, doubled or "
            + "invented") { faults, rounds, writers, seconds, app, seed, full, pooled, citus, keep };
        verb.SetAction((line, stop) => Verb.Run(async () =>
        {
            var names = line.GetRequiredValue(faults).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            var drawn = line.GetValue(seed) ?? Random.Shared.Next();
            await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Seed {drawn}"));
            var plan = new DrillPlan(
                line.GetValue(app)?.FullName ?? AppContext.BaseDirectory,
                [.. Enumerable.Range(0, line.Positive(rounds)).SelectMany(_ => names.Select(Fault.Parse))],
                line.Positive(writers),
                Before: TimeSpan.FromSeconds(2),
                Lasting: TimeSpan.FromSeconds(line.Positive(seconds)),
                After: TimeSpan.FromSeconds(0.5),
                drawn,
                line.GetValue(keep),
                line.GetValue(pooled),
                line.GetValue(citus));

            var kept = true;
            foreach (var part in line.GetValue(full) ? Full(plan) : [plan])
            {
                var report = await new Drill(part, Console.Out).Run(stop);
                report.Print(Console.Out);
                kept &= report.Kept;
                if (stop.IsCancellationRequested)
                    return Exit.Interrupted;
            }
            return kept ? Exit.Good : Exit.NotGood;
        }));
        return verb;
    }

    // A proxy between the processes disturbs the faults that do not need it: so there is one run for each kind.
    private static IEnumerable<DrillPlan> Full(DrillPlan plan) => Fault.All
        .Select(make => (Make: make, Fault: make()))
        .GroupBy(each => (each.Fault.NeedsRelay, each.Fault.NeedsPooler, each.Fault.NeedsCluster))
        .Select(kind => plan with
        {
            Faults = [.. kind.SelectMany(each => Enumerable.Range(0, each.Fault.Rounds).Select(_ => each.Make()))],
        });
}
