namespace ChatLogger.Rollups;

/// <summary>
/// A range of time in spans, each of which ends where the next begins; any number of spans add up to one slot.
/// </summary>
internal sealed class SlotSpans(IReadOnlyList<(DateTimeOffset Start, int Slot)> spans, DateTimeOffset end)
{
    private readonly long[] _starts = [.. spans.Select(span => TimeBuckets.FirstMillisecond(span.Start))];

    /// <summary>Whether a time, in milliseconds since 1970, is in the range.</summary>
    public bool Contains(long at) => at >= _starts[0] && at < TimeBuckets.FirstMillisecond(end);

    /// <summary>The slot of a time of the range, in milliseconds since 1970.</summary>
    public int SlotOf(long at)
    {
        var found = Array.BinarySearch(_starts, at);
        return spans[found >= 0 ? found : ~found - 1].Slot;
    }

    /// <summary>The ranges of whole buckets, the slot of each, and the parts of quarters of an hour at the ends of spans.</summary>
    public (List<TimeBuckets.BucketRange> Ranges, List<int> Slots, List<TimeBuckets.PartialBucket> Partials) Cut()
    {
        var (ranges, slots, partials) = (new List<TimeBuckets.BucketRange>(), new List<int>(), new List<TimeBuckets.PartialBucket>());
        for (var i = 0; i < spans.Count; i++)
        {
            var until = i + 1 < spans.Count ? spans[i + 1].Start : end;
            TimeBuckets.Cut(spans[i].Start.UtcDateTime, until.UtcDateTime, TimeBuckets.Hour, ranges, partials);
            while (slots.Count < ranges.Count)
                slots.Add(spans[i].Slot);
        }
        return (ranges, slots, partials);
    }
}
