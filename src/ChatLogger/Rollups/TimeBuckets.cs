namespace ChatLogger.Rollups;

/// <summary>
/// Divides a range of time into the buckets of the rollups: hours or UTC days in the middle, then quarters of an hour. At either end
/// remains a partial bucket of less than a quarter, which must be counted from the rows. All times are milliseconds since 1970.
/// </summary>
internal static class TimeBuckets
{
    public const int Quarter = 0, Hour = 1, Day = 2;

    private static readonly long[] Lengths = [15 * 60_000, 3_600_000, 86_400_000];

    /// <summary>Whether the buckets of a tier have counts and conversations, which days of any zone are made of.</summary>
    public static bool HasCounts(int tier) => tier != Day;

    /// <summary>Whether they have people, tags and models, which are read for a whole range.</summary>
    public static bool HasUse(int tier) => tier != Hour;

    public static long StartOf(int tier, long at) => StartOf(at, Lengths[tier]);

    public static long Length(int tier) => Lengths[tier];

    public static DateTime Instant(long at) => DateTime.UnixEpoch.AddMilliseconds(at);

    /// <summary>The milliseconds since 1970, rounded down like the starts of the buckets.</summary>
    public static long Milliseconds(DateTime at) =>
        StartOf(at.Ticks - DateTime.UnixEpoch.Ticks, TimeSpan.TicksPerMillisecond) / TimeSpan.TicksPerMillisecond;

    /// <summary>The milliseconds since 1970, rounded up, because the times of events are whole milliseconds.</summary>
    public static long FirstMillisecond(DateTimeOffset at) => Milliseconds(at.UtcDateTime.AddTicks(TimeSpan.TicksPerMillisecond - 1));

    /// <summary>
    /// Divides the time from one instant (inclusive) to another (exclusive) into buckets of a tier, and quarters beside them.
    /// </summary>
    public static void Cut(DateTime from, DateTime to, int tier, List<BucketRange> rollups, List<PartialBucket> edges)
    {
        var quarter = Lengths[Quarter];
        var (start, end) = (StartOf(Quarter, Milliseconds(from)), StartOf(Quarter, Milliseconds(to)));
        if (Instant(start) < from)
            start += quarter;
        if (start > end)
        {
            edges.Add(new(from, to));
            return;
        }
        if (from < Instant(start))
            edges.Add(new(from, Instant(start)));
        if (Instant(end) < to)
            edges.Add(new(Instant(end), to));
        var (inner, outer) = (StartOf(tier, start + Lengths[tier] - 1), StartOf(tier, end));
        if (inner >= outer)
            (inner, outer) = (end, end);
        Add(Quarter, start, inner);
        Add(tier, inner, outer);
        Add(Quarter, outer, end);

        void Add(int each, long first, long last)
        {
            if (first < last)
                rollups.Add(new(each, Instant(first), Instant(last)));
        }
    }

    private static long StartOf(long at, long length) => at - (((at % length) + length) % length);

    /// <summary>The buckets of a tier that start at <paramref name="Start"/> or later, and before <paramref name="End"/>.</summary>
    internal readonly record struct BucketRange(int Tier, DateTime Start, DateTime End);

    /// <summary>A part of a single quarter of an hour.</summary>
    internal readonly record struct PartialBucket(DateTime Start, DateTime End);
}
