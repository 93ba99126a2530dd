using System.Diagnostics.Metrics;
using Npgsql;

namespace ChatLogger.Telemetry;

/// <summary>
/// The instruments; <c>docs/telemetry.md</c> describes each. Without a listener a measurement costs one comparison. Names and units follow
/// OpenTelemetry and UCUM. No label contains an organization, a person or an id: each label has few, predefined values.
/// </summary>
internal sealed class Instruments
{
    /// <summary>The name of our meters and of our activity source.</summary>
    public const string Name = "ChatLogger";

    public const string ErrorType = "error.type";

    private const string Pool = "db.client.connection.pool.name";

    // The buckets range from the duration of one commit on a fast disk to the time after which no client waits.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    };

    private static readonly InstrumentAdvice<int> Rows = new()
    {
        HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000],
    };

    private static readonly KeyValuePair<string, object?> Hit = new("chatlogger.cache.result", "hit");
    private static readonly KeyValuePair<string, object?> Miss = new("chatlogger.cache.result", "miss");

    private readonly Histogram<int> _commitSize;
    private readonly Histogram<double> _commitDuration;
    private readonly Histogram<double> _commitWait;
    private readonly Counter<long> _replays;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _keyLookups;
    private readonly Counter<long> _spans;
    private readonly Counter<long> _webhooks;
    private readonly Counter<long> _dropped;
    private readonly Histogram<double> _connectionWait;

    public Instruments(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _commitSize = meter.CreateHistogram("chatlogger.commit.size", "{row}", "Rows written in one commit.", null, Rows);
        _commitDuration = meter.CreateHistogram(
            "chatlogger.commit.duration",
            "s",
            "How long a statement that writes rows took, with its commit.",
            null,
            Seconds);
        _commitWait = meter.CreateHistogram(
            "chatlogger.commit.wait",
            "s",
            "How long the first row of a commit had waited for it to begin.",
            null,
            Seconds);
        _replays = meter.CreateCounter<long>(
            "chatlogger.replays",
            "{write}",
            "Writes answered with what the same Idempotency-Key had written before.");
        _refusals = meter.CreateCounter<long>("chatlogger.refusals", "{refusal}", "Requests, and items of batches, that were refused.");
        _keyLookups = meter.CreateCounter<long>(
            "chatlogger.key_cache.lookups",
            "{lookup}",
            "API keys that came, and whether what they grant was in memory.");
        _spans = meter.CreateCounter<long>(
            "chatlogger.otlp.spans",
            "{span}",
            "Spans that were received, and what became of them.");
        _webhooks = meter.CreateCounter<long>(
            "chatlogger.webhook.attempts",
            "{attempt}",
            "Attempts to deliver to webhooks, and what became of them.");
        _dropped = meter.CreateCounter<long>(
            "chatlogger.integrations.dropped",
            "{event}",
            "Events and exchanges of integrations that were dropped, because their conversation was deleted.");
        _connectionWait = meter.CreateHistogram(
            "db.client.connection.wait_time",
            "s",
            "How long a connection of a pool was waited for, or made.",
            null,
            Seconds);
    }

    /// <summary>Counts received spans by what became of them: exchange, ignored or rejected.</summary>
    public void Spans(string outcome, int count) =>
        _spans.Add(count, new KeyValuePair<string, object?>("chatlogger.span.outcome", outcome));

    /// <summary>Counts an attempt by what became of it: delivered, skipped, or why it failed.</summary>
    public void WebhookSent(string outcome) => _webhooks.Add(1, new KeyValuePair<string, object?>("chatlogger.webhook.outcome", outcome));

    /// <summary>Counts what integrations were told of conversations that are gone.</summary>
    public void Dropped(int count) => _dropped.Add(count);

    /// <summary>Whether measuring the wait for a connection is worth its cost, because somebody listens.</summary>
    public bool TimesConnections => _connectionWait.Enabled;

    /// <summary>Records that a statement is about to be sent, and how long its first row waited.</summary>
    public void CommitBegins(string writer, TimeSpan waited) => _commitWait.Record(waited.TotalSeconds, Writer(writer));

    public void Committed(string writer, int rows, TimeSpan took)
    {
        _commitSize.Record(rows, Writer(writer));
        _commitDuration.Record(took.TotalSeconds, Writer(writer));
    }

    public void CommitFailed(string writer, TimeSpan took, Exception failure) =>
        _commitDuration.Record(
            took.TotalSeconds,
            Writer(writer),
            new(ErrorType, (failure as PostgresException)?.SqlState ?? failure.GetType().Name));

    /// <param name="what">One of the predefined names: <c>chat</c>, <c>message</c>, <c>item</c>, <c>export</c>.</param>
    public void Replayed(string what) => _replays.Add(1, new KeyValuePair<string, object?>("chatlogger.replayed", what));

    /// <param name="problem">The slug of the problem's type.</param>
    /// <param name="what">What was refused: the whole <c>request</c>, or an <c>item</c> of a batch.</param>
    public void Refused(string problem, string what) => _refusals.Add(1, new(ErrorType, problem), new("chatlogger.refused", what));

    public void KeyWasKnown() => _keyLookups.Add(1, Hit);

    public void KeyIsLookedUp() => _keyLookups.Add(1, Miss);

    public void Connected(string pool, TimeSpan waited) =>
        _connectionWait.Record(waited.TotalSeconds, new KeyValuePair<string, object?>(Pool, pool));

    /// <summary>The label that identifies a writer.</summary>
    public static KeyValuePair<string, object?> Writer(string name) => new("chatlogger.writer", name);
}
