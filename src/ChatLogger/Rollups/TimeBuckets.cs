namespace ChatLogger.Rollups;

/// <summary>
/// A range of time in the spans that rollups are kept for: days of UTC inside, then hours, then quarters of an hour, and at either end what is less
/// than a quarter and must be counted from the rows. All in milliseconds since 1970.
/// </summary>
internal static class TimeBuckets
{
    public const int Quarter = 0, Hour = 1, Day = 2;

    private static readonly long[] Lengths = [15 * 60_000, 3_600_000, 86_400_000];

    public static long StartOf(int tier, long at) => StartOf(at, Lengths[tier]);

    public static long Length(int tier) => Lengths[tier];

    public static DateTime Instant(long at) => DateTime.UnixEpoch.AddMilliseconds(at);

    /// <summary>Rounded down, as the spans are.</summary>
    public static long Milliseconds(DateTime at) => StartOf(at.Ticks - DateTime.UnixEpoch.Ticks, TimeSpan.TicksPerMillisecond) / TimeSpan.TicksPerMillisecond;

    /// <summary>The first whole one that is not before: what happens, happens at whole ones.</summary>
    public static long FirstMillisecond(DateTimeOffset at) => Milliseconds(at.UtcDateTime.AddTicks(TimeSpan.TicksPerMillisecond - 1));

    /// <summary>Cuts what is from an instant up to another.</summary>
    public static void Cut(DateTime from, DateTime to, List<BucketRange> rollups, List<PartialBucket> edges)
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
        Cut(start, end, Quarter, rollups);
    }

    private static void Cut(long start, long end, int tier, List<BucketRange> rollups)
    {
        if (start >= end)
            return;
        if (tier < Day)
        {
            var inner = StartOf(tier + 1, start);
            inner += inner < start ? Lengths[tier + 1] : 0;
            var outer = StartOf(tier + 1, end);
            if (inner < outer)
            {
                Add(start, inner);
                Cut(inner, outer, tier + 1, rollups);
                Add(outer, end);
                return;
            }
        }
        Add(start, end);

        void Add(long first, long last)
        {
            if (first < last)
                rollups.Add(new(tier, Instant(first), Instant(last)));
        }
    }

    private static long StartOf(long at, long length) => at - (((at % length) + length) % length);

    /// <summary>Rows of a tier, from the one that starts first up to, and without, the one that starts at the end.</summary>
    internal readonly record struct BucketRange(int Tier, DateTime Start, DateTime End);

    /// <summary>Less than a quarter, and within one.</summary>
    internal readonly record struct PartialBucket(DateTime Start, DateTime End);
}
