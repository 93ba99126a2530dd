using System.Diagnostics;
using System.Globalization;
using System.Text;
using ChatLogger.Bench.Http;
using ChatLogger.Import;
using ChatLogger.Transcripts;

namespace ChatLogger.Bench;

/// <summary>What became of every line. Written to by all connections at once.</summary>
internal sealed class LoadReport
{
    private const int ExamplesPerFault = 5;

    private readonly Lock gate = new();
    private readonly Stopwatch elapsed = Stopwatch.StartNew();
    private readonly LatencyRecorder latencies = new();
    private readonly SortedDictionary<string, (long Count, List<string> Examples)> faults = new(StringComparer.Ordinal);

    public long Conversations { get; private set; }
    public long Incomplete { get; private set; }
    public long Messages { get; private set; }
    public long ContentBytes { get; private set; }
    public long Refused { get; private set; }
    public long Unknown { get; private set; }
    public long Unreachable { get; private set; }
    public long NotSent { get; private set; }
    public long Malformed { get; private set; }
    public long Retries { get; set; }

    /// <summary>Why the load ended before the file did.</summary>
    public string? Stopped { get; set; }

    public bool AllAcknowledged => Stopped is null && faults.Count == 0 && NotSent == 0 && Incomplete == 0;

    public IReadOnlyDictionary<string, long> Faults => faults.ToDictionary(fault => fault.Key, fault => fault.Value.Count);

    public void Add(Answer answer, string where)
    {
        lock (gate)
        {
            switch (answer.Outcome)
            {
                case Outcome.Acknowledged:
                    latencies.Add(answer.Latency);
                    break;
                case Outcome.Refused:
                    Refused++;
                    Fault(
                        $"refused, {answer.Problem!.Status} {Excerpt.Of(answer.Problem.Type)}",
                        $"{where}: {Excerpt.Of(answer.Problem.Detail)}");
                    break;
                case Outcome.Unknown:
                    Unknown++;
                    Fault("unknown outcome, may be logged or not", $"{where}: {answer.Reason}");
                    break;
                default:
                    Unreachable++;
                    Fault("no connection", $"{where}: {answer.Reason}");
                    break;
            }
        }
    }

    public void AddMessage(ImportedMessage message)
    {
        lock (gate)
        {
            Messages++;
            ContentBytes += Encoding.UTF8.GetByteCount(message.Content ?? "");
        }
    }

    public void AddConversation(bool complete, int notSent)
    {
        lock (gate)
        {
            (Conversations, Incomplete) = complete ? (Conversations + 1, Incomplete) : (Conversations, Incomplete + 1);
            NotSent += notSent;
        }
    }

    public void AddMalformed(FileEntry line)
    {
        lock (gate)
        {
            Malformed++;
            Fault("malformed line", $"{line.Where}: {line.Error}");
        }
    }

    public Status Status(double? fraction)
    {
        lock (gate)
            return new Status("Logging", Conversations + Incomplete, Messages, fraction);
    }

    public void Finish(long retries)
    {
        elapsed.Stop();
        Retries = retries;
    }

    public void Print(TextWriter output)
    {
        if (Stopped is not null)
            output.WriteLine($"Stopped: {Stopped}");
        foreach (var (fault, (count, examples)) in faults)
        {
            output.WriteLine(Text($"{fault}: {count:N0}"));
            foreach (var example in examples)
                output.WriteLine($"  {example}");
        }

        output.WriteLine(Text($"conversations  {Conversations:N0} complete, {Incomplete:N0} incomplete, {Malformed:N0} malformed lines"));
        output.WriteLine(Text($"messages       {Messages:N0} acknowledged, {NotSent:N0} not sent"));
        output.WriteLine(Text($"content        {ContentBytes:N0} bytes"));
        output.WriteLine(
            Text($"requests       {Refused:N0} refused, {Unknown:N0} unknown, {Unreachable:N0} without connection, {Retries:N0} retries"));
        var seconds = Math.Max(elapsed.Elapsed.TotalSeconds, 0.001);
        output.WriteLine(Text($"elapsed        {seconds:0.0} s, {Messages / seconds:N0} messages/s"));
        output.WriteLine($"latency        {latencies}");
        output.WriteLine(AllAcknowledged ? "Everything was acknowledged." : "NOT everything was acknowledged.");
    }

    private void Fault(string kind, string example)
    {
        var (count, examples) = faults.GetValueOrDefault(kind, (0, []));
        if (examples.Count < ExamplesPerFault)
            examples.Add(example);
        faults[kind] = (count + 1, examples);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
