using System.CommandLine;
using ChatLogger.Bench.Comparison;

namespace ChatLogger.Bench.Verbs;

/// <summary>
/// traces: sends exports of OpenTelemetry in JSON and in protobuf, in turns with batches of the same messages and with those of the verb
/// batches, and prints rates and ratios; then single messages beside either, which shows what each takes from the plugin API.
/// </summary>
internal static class TracesVerb
{
    public static Command Create()
    {
        var url = Verb.Url();
        var slug = Verb.Slug();
        var key = Verb.Key();
        var pid = new Option<int?>("--pid") { Description = "Process of the service on this machine (CHATLOGGER_PID)" };
        var postgresPid = new Option<int?>("--postgres-pid") { Description = "PostgreSQL's first process on this machine (POSTGRES_PID)" };
        var connections = new Option<string>("--connections") { Description = "How many connections", DefaultValueFactory = _ => "16" };
        var seconds = new Option<int>("--seconds") { Description = "How long each run takes", DefaultValueFactory = _ => 5 };
        var rounds = new Option<int>("--rounds") { Description = "How often each", DefaultValueFactory = _ => 3 };
        var warmUp = new Option<int>("--warm-up") { Description = "Seconds of load before, for each", DefaultValueFactory = _ => 5 };
        var beside = new Option<int>("--beside")
        {
            Description = "Connections of the load beside single messages; 0: without",
            DefaultValueFactory = _ => 2,
        };
        var verb = new Command(
            "traces", "Compare exports of OpenTelemetry with batches, and what both take from single messages, in one run")
        {
            url, slug, key, pid, postgresPid, connections, seconds, rounds, warmUp, beside,
        };
        verb.SetAction((line, stop) => Verb.Run(async () =>
        {
            var (ours, secret) = (line.Required(slug, "CHATLOGGER_SLUG"), line.Required(key, "CHATLOGGER_KEY"));
            var (service, postgres) = (line.Number(pid, "CHATLOGGER_PID"), line.Number(postgresPid, "POSTGRES_PID"));
            var (often, each) = (line.Positive(rounds), line.Positive(seconds));
            var counts = PostVerb.Counts(line.GetRequiredValue(connections));
            using var http = line.Connect(url, 8);
            await using var json = Wrk.OfExports("json", service, http.BaseAddress!, secret, json: true);
            await using var protobuf = Wrk.OfExports("protobuf", service, http.BaseAddress!, secret, json: false);
            await using var same = Wrk.OfBatches("same", service, http.BaseAddress!, ours, secret);
            await using var batch = await PostVerb.Target("batch", service, http, ours, secret, null, 1000, Load.Batches, stop);
            var clean = await new PairedRun([json, protobuf, same, batch], postgres, Console.Out) { References = [same, batch] }
                .Run("messages", counts, often, each, line.GetValue(warmUp), stop);
            var count = line.GetValue(beside);
            if (count <= 0)
                return clean ? Exit.Good : Exit.NotGood;

            await using var alone = await PostVerb.Target("alone", service, http, ours, secret, null, 1000, Load.Messages, stop);
            var besideBatch = new Beside("+batch", alone, batch, count);
            var contenders = new List<Contender>
            {
                alone, new Beside("+json", alone, json, count), new Beside("+protobuf", alone, protobuf, count), besideBatch,
            };
            Console.Out.WriteLine();
            Console.Out.WriteLine("Single messages, alone and beside the others:");
            clean &= await new PairedRun(contenders, postgres, Console.Out) { References = [besideBatch] }
                .Run("messages", counts, often, each, 0, stop);
            return clean ? Exit.Good : Exit.NotGood;
        }));
        return verb;
    }
}
