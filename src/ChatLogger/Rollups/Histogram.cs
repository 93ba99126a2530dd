using System.Collections.Immutable;

namespace ChatLogger.Rollups;

/// <summary>
/// A histogram of counts, or of times in milliseconds, that can be added to another one and subtracted from it. Each value below 400 has a
/// bucket of its own; above, buckets are less than 1.7 % wide, so that the middle of a bucket is within 1 % of each of its values. Count,
/// sum and maximum are exact. The idea is that of DDSketch (Masson, Rim, Lee: A fast and fully-mergeable quantile sketch with
/// relative-error guarantees, VLDB 2019), with integer bounds.
/// </summary>
internal sealed class Histogram
{
    private const int Exact = 400;

    // In milliseconds, ten thousand years.
    private const long Greatest = 315_569_520_000_000;

    /// <summary>The lower bound of each bucket.</summary>
    private static readonly ImmutableArray<long> Bounds = [.. Least()];

    private readonly SortedList<int, long> _buckets = [];
    private long[]? _dense;
    private long _max;

    public long Count { get; private set; }

    public long Sum { get; private set; }

    public long Max => Count == 0 ? 0 : _max;

    public IEnumerable<KeyValuePair<int, long>> Buckets => _dense is null
        ? _buckets
        : _dense.Select((count, bucket) => KeyValuePair.Create(bucket, count)).Where(bucket => bucket.Value != 0);

    public void Add(long value)
    {
        var found = Bounds.BinarySearch(value);
        Add(found >= 0 ? found : ~found - 1, 1);
        Retain(value, value);
    }

    /// <summary>Adds stored values of a bucket; the caller adds their sum and maximum with <see cref="Retain"/>, before or after.</summary>
    public void Add(int bucket, long count)
    {
        Count += count;
        if (_dense is null && _buckets.Count > 64)
        {
            _dense = new long[Bounds.Length];
            foreach (var (each, many) in _buckets)
                _dense[each] = many;
        }
        if (_dense is not null)
            _dense[bucket] += count;
        else if (_buckets.TryGetValue(bucket, out var before) && before + count == 0)
            _buckets.Remove(bucket);
        else
            _buckets[bucket] = before + count;
    }

    public void Retain(long sum, long max) => (Sum, _max) = (Sum + sum, Math.Max(_max, max));

    /// <summary>
    /// Subtracts another histogram. False: the maximum may have belonged to it, and is not known to be in <paramref name="added"/>, which
    /// was added and stays.
    /// </summary>
    public bool Remove(Histogram other, Histogram? added = null)
    {
        if (other.Count == 0)
            return true;
        foreach (var (bucket, count) in other.Buckets.ToList())
            Add(bucket, -count);
        var max = Max;
        (Sum, _max) = (Sum - other.Sum, Count == 0 ? 0 : max);
        return Count == 0 || other.Max < max || (added is { Count: > 0 } && added.Max == max);
    }

    public void Merge(Histogram other)
    {
        foreach (var (bucket, count) in other.Buckets)
            Add(bucket, count);
        Retain(other.Sum, other.Max);
    }

    /// <summary>The mean, rounded to whole milliseconds. The histogram must not be empty.</summary>
    public long Mean => ((2 * Sum) + Count) / (2 * Count);

    /// <summary>
    /// A percentile by nearest rank. It is exact if its rank is that of the maximum. The histogram must not be empty.
    /// </summary>
    public long Percentile(int percent)
    {
        var rank = ((Count * percent) + 99) / 100;
        if (rank == Count)
            return Max;
        foreach (var (bucket, count) in Buckets)
        {
            rank -= count;
            if (rank <= 0)
                return Math.Min(Max, Middle(bucket));
        }
        return Max;
    }

    private static long Middle(int bucket) =>
        bucket + 1 == Bounds.Length ? Bounds[bucket] : (Bounds[bucket] + Bounds[bucket + 1] - 1) / 2;

    private static IEnumerable<long> Least()
    {
        for (long bound = 0; bound <= Greatest; bound = bound < Exact ? bound + 1 : bound + (bound * 17 / 1000))
            yield return bound;
    }
}
