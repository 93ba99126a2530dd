using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;

namespace ChatLogger.Telemetry.Prometheus;

/// <summary>One instrument as Prometheus knows it: a name, a type, and a series for each set of labels.</summary>
internal sealed class Family
{
    /// <summary>Beyond these the labels of an instrument are not told apart any more: memory does not depend on who calls.</summary>
    private const int MostSeries = 1_000;

    /// <summary>What OpenTelemetry labels that with.</summary>
    private const string Overflow = "otel_metric_overflow=\"true\"";

    /// <summary>OpenTelemetry's own, for instruments that advise nothing.</summary>
    private static readonly double[] DefaultBounds = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000];

    // Counters are told changes, whatever is observed or is a gauge tells what it is.
    private readonly bool _adds;
    private readonly double[]? _bounds;
    private readonly string? _help;

    // By what the tags are as they come, for the way to a series is walked by every measurement; and by what they are as text, which is one for all orders.
    private readonly ConcurrentDictionary<int, Known> _known = new();
    private readonly ConcurrentDictionary<string, Series> _series = new(StringComparer.Ordinal);

    public Family(Instrument instrument)
    {
        var kind = instrument.GetType().GetGenericTypeDefinition();
        _adds = kind == typeof(Counter<>) || kind == typeof(UpDownCounter<>);
        Type = kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>) ? "counter" : kind == typeof(Histogram<>) ? "histogram" : "gauge";
        Name = PrometheusName.Of(instrument.Name, instrument.Unit, Type);
        IsObserved = instrument.IsObservable;
        _help = instrument.Description;
        if (Type == "histogram")
            _bounds = Bounds(instrument);
    }

    public string Name { get; }

    public string Type { get; }

    /// <summary>What it says when it is asked is all there is.</summary>
    public bool IsObserved { get; }

    public void Measure(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, long reading)
    {
        var series = Of(tags);
        series.Seen = reading;
        if (_bounds is not null)
            series.Count(value);
        else if (_adds)
            series.Add(value);
        else
            series.Set(value);
    }

    public void Write(StringBuilder text, long reading)
    {
        var shown = _series.Values.Where(series => !IsObserved || series.Seen == reading).OrderBy(series => series.Labels, StringComparer.Ordinal).ToList();
        if (shown.Count == 0)
            return;
        if (_help is not null)
            text.Append("# HELP ").Append(Name).Append(' ').Append(_help.Replace("\\", @"\\").Replace("\n", @"\n")).Append('\n');
        text.Append("# TYPE ").Append(Name).Append(' ').Append(Type).Append('\n');
        foreach (var series in shown)
            series.Write(text, Name);
    }

    private Series Of(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = new HashCode();
        foreach (var (name, value) in tags)
        {
            hash.Add(name);
            hash.Add(value);
        }
        var key = hash.ToHashCode();
        if (_known.TryGetValue(key, out var known) && AreSame(known.Tags, tags))
            return known.Series;
        var labels = _series.Count < MostSeries ? PrometheusName.Labels(tags) : Overflow;
        var series = _series.GetOrAdd(labels, static (text, bounds) => new(text, bounds), _bounds);
        // Of two that have one hash the later is found by its text each time.
        if (_known.Count < MostSeries)
            _known.TryAdd(key, new(tags.ToArray(), series));
        return series;
    }

    // A pair compared as a whole is boxed, and its fields are found by reflection: this is walked by every measurement.
    private static bool AreSame(KeyValuePair<string, object?>[] known, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (known.Length != tags.Length)
            return false;
        for (var i = 0; i < known.Length; i++)
        {
            if (!string.Equals(known[i].Key, tags[i].Key, StringComparison.Ordinal) || !Equals(known[i].Value, tags[i].Value))
                return false;
        }
        return true;
    }

    private static double[] Bounds(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised],
        Histogram<int> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised.Select(bound => (double)bound)],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised.Select(bound => (double)bound)],
        _ => DefaultBounds,
    };

    private sealed record Known(KeyValuePair<string, object?>[] Tags, Series Series);
}
