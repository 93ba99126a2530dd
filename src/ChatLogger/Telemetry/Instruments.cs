using System.Diagnostics.Metrics;
using Npgsql;

namespace ChatLogger.Telemetry;

/// <summary>
/// What is measured where it happens; <c>docs/telemetry.md</c> says what each tells. While nobody listens a measurement is one comparison. Names
/// and units are those of OpenTelemetry and UCUM. No label tells an organization, a person or an id: there are few values of each, known beforehand.
/// </summary>
internal static class Instruments
{
    /// <summary>The name of our meters and of our source of spans.</summary>
    public const string Name = "ChatLogger";

    public const string ErrorType = "error.type";

    private const string Pool = "db.client.connection.pool.name";

    // From what one commit of a fast disk takes to the time in which nobody waits any more.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    };

    private static readonly InstrumentAdvice<int> Rows = new() { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000] };

    // One for the process, for they are static; what belongs to one service (see IGauges) has a meter of its own.
    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<int> CommitSize =
        Meter.CreateHistogram("chatlogger.commit.size", "{row}", "Rows written in one commit.", null, Rows);

    private static readonly Histogram<double> CommitDuration =
        Meter.CreateHistogram("chatlogger.commit.duration", "s", "How long a statement that writes rows took, with its commit.", null, Seconds);

    private static readonly Histogram<double> CommitWait =
        Meter.CreateHistogram("chatlogger.commit.wait", "s", "How long the first row of a commit had waited for it to begin.", null, Seconds);

    private static readonly Counter<long> Replays =
        Meter.CreateCounter<long>("chatlogger.replays", "{write}", "Writes answered with what the same Idempotency-Key had written before.");

    private static readonly Counter<long> Refusals =
        Meter.CreateCounter<long>("chatlogger.refusals", "{refusal}", "Requests, and items of batches, that were refused.");

    private static readonly Counter<long> KeyLookups =
        Meter.CreateCounter<long>("chatlogger.key_cache.lookups", "{lookup}", "API keys that came, and whether what they grant was in memory.");

    private static readonly Histogram<double> ConnectionWait =
        Meter.CreateHistogram("db.client.connection.wait_time", "s", "How long a connection of a pool was waited for, or made.", null, Seconds);

    private static readonly KeyValuePair<string, object?> Hit = new("chatlogger.cache.result", "hit");
    private static readonly KeyValuePair<string, object?> Miss = new("chatlogger.cache.result", "miss");

    /// <summary>Whether it is worth while to ask for the time before something that may have to be waited for.</summary>
    public static bool TimesConnections => ConnectionWait.Enabled;

    /// <summary>A statement is about to be sent whose first row has waited so long.</summary>
    public static void CommitBegins(string writer, TimeSpan waited) => CommitWait.Record(waited.TotalSeconds, Writer(writer));

    public static void Committed(string writer, int rows, TimeSpan took)
    {
        CommitSize.Record(rows, Writer(writer));
        CommitDuration.Record(took.TotalSeconds, Writer(writer));
    }

    public static void CommitFailed(string writer, TimeSpan took, Exception failure) =>
        CommitDuration.Record(took.TotalSeconds, Writer(writer), new(ErrorType, (failure as PostgresException)?.SqlState ?? failure.GetType().Name));

    /// <param name="what">A name of ours: <c>chat</c>, <c>message</c>, <c>item</c>, <c>export</c>.</param>
    public static void Replayed(string what) => Replays.Add(1, new KeyValuePair<string, object?>("chatlogger.replayed", what));

    /// <param name="problem">The slug of the problem's type.</param>
    /// <param name="what">What was refused: the whole <c>request</c>, or an <c>item</c> of a batch.</param>
    public static void Refused(string problem, string what) => Refusals.Add(1, new(ErrorType, problem), new("chatlogger.refused", what));

    public static void KeyWasKnown() => KeyLookups.Add(1, Hit);

    public static void KeyIsLookedUp() => KeyLookups.Add(1, Miss);

    public static void Connected(string pool, TimeSpan waited) => ConnectionWait.Record(waited.TotalSeconds, new KeyValuePair<string, object?>(Pool, pool));

    /// <summary>The label of what is about one of the writers.</summary>
    public static KeyValuePair<string, object?> Writer(string name) => new("chatlogger.writer", name);
}
