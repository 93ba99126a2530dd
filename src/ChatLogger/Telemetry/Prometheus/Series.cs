using System.Globalization;
using System.Text;

namespace ChatLogger.Telemetry.Prometheus;

/// <summary>The measurements of one instrument that have the same labels: a sum, a last value, or counts by bucket.</summary>
internal sealed class Series(string labels, double[]? bounds)
{
    private readonly long[]? _buckets = bounds is null ? null : new long[bounds.Length + 1];
    private readonly Lock _lock = new();
    private double _value;

    /// <summary>As they stand in the text, without braces; in their order, so that the same labels are the same text.</summary>
    public string Labels => labels;

    /// <summary>The last reading that it was part of: what an observable instrument no longer speaks of is no longer shown.</summary>
    public long Seen { get; set; }

    public void Add(double value)
    {
        lock (_lock)
            _value += value;
    }

    public void Set(double value)
    {
        lock (_lock)
            _value = value;
    }

    public void Count(double value)
    {
        var bucket = Array.BinarySearch(bounds!, value);
        lock (_lock)
        {
            // A bucket holds what is less than or equal to its bound.
            _buckets![bucket < 0 ? ~bucket : bucket]++;
            _value += value;
        }
    }

    public void Write(StringBuilder text, string name)
    {
        if (bounds is null)
        {
            Line(text, name, "", labels, Number(Value()));
            return;
        }
        long[] buckets;
        double sum;
        lock (_lock)
            (buckets, sum) = ([.. _buckets!], _value);
        var count = 0L;
        for (var i = 0; i < buckets.Length; i++)
        {
            count += buckets[i];
            var bound = i < bounds.Length ? Number(bounds[i]) : "+Inf";
            Line(text, name, "_bucket", $"{labels}{(labels.Length == 0 ? "" : ",")}le=\"{bound}\"", count.ToString(CultureInfo.InvariantCulture));
        }
        Line(text, name, "_sum", labels, Number(sum));
        Line(text, name, "_count", labels, count.ToString(CultureInfo.InvariantCulture));
    }

    private double Value()
    {
        lock (_lock)
            return _value;
    }

    private static void Line(StringBuilder text, string name, string suffix, string labels, string value)
    {
        text.Append(name).Append(suffix);
        if (labels.Length > 0)
            text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(value).Append('\n');
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString(CultureInfo.InvariantCulture);
}
