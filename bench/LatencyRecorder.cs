using System.Globalization;

namespace ChatLogger.Bench;

/// <summary>
/// Counts durations by their value rounded to three significant digits: a few thousand counters hold any number of requests, and a
/// nearest-rank percentile is off by half a percent at most.
/// </summary>
internal sealed class LatencyRecorder
{
    private readonly SortedDictionary<long, long> counts = [];

    public long Count { get; private set; }

    public void Add(TimeSpan duration)
    {
        var microseconds = (long)duration.TotalMicroseconds;
        long unit = 1;
        while (microseconds / unit >= 1000)
            unit *= 10;
        var rounded = (microseconds + unit / 2) / unit * unit;
        counts[rounded] = counts.GetValueOrDefault(rounded) + 1;
        Count++;
    }

    /// <summary>The smallest value that at least this share of all values does not exceed.</summary>
    public TimeSpan Percentile(double percent)
    {
        var rank = Math.Max(1, (long)Math.Ceiling(percent / 100 * Count));
        foreach (var (microseconds, count) in counts)
        {
            rank -= count;
            if (rank <= 0)
                return TimeSpan.FromMicroseconds(microseconds);
        }
        return TimeSpan.Zero;
    }

    public override string ToString() =>
        Count == 0
            ? "none"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"p50 {Percentile(50).TotalMilliseconds:0.###} ms, p99 {Percentile(99).TotalMilliseconds:0.###} ms");
}
