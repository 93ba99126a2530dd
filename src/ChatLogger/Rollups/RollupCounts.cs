using ChatLogger.Data;

namespace ChatLogger.Rollups;

/// <summary>
/// The counts of a range of time. The range is divided into spans, each of which ends where the next begins; any number of spans add up to
/// one slot. The counts come from the rollups for complete buckets, and from the rows for partial buckets of less than a quarter of an hour
/// and for changes that are not aggregated yet.
/// </summary>
internal sealed class RollupCounts(IReadOnlyList<(DateTimeOffset Start, int Slot)> spans, DateTimeOffset end, int slots)
{
    private readonly SlotSpans _spans = new(spans, end);
    private readonly BucketCounts[] _counts = [.. Enumerable.Range(0, slots).Select(_ => new BucketCounts())];

    public BucketCounts this[int slot] => _counts[slot];

    /// <summary>Adds the aggregated events of the range.</summary>
    public async Task Read(Sql.Transaction snapshot, Guid orgId, TagFilter tag, long upTo)
    {
        var (ranges, slotOf, partials) = _spans.Cut();
        foreach (var row in await RollupSql.CellsBefore(RollupCells.Kind.MessagesPerChat, snapshot, orgId, tag.Id, ranges))
            RollupCells.Read(row.Cells, 0, _counts[slotOf[row.No - 1]]);
        if (partials.Count == 0)
            return;
        foreach (var what in await RollupSql.Read(snapshot, RollupSql.Within, RollupSql.PartialBuckets(orgId, upTo, partials)))
        {
            if (tag.Passes(what))
                Add(what);
        }
    }

    /// <summary>Adds an event of the range that is not aggregated yet.</summary>
    public void Add(AnalyticsEvent what) => _counts[SlotOf(what.At)].Add(what);

    /// <summary>The slot of a time of the range, in milliseconds since 1970.</summary>
    public int SlotOf(long at) => _spans.SlotOf(at);

    /// <summary>
    /// The parts of quarters of an hour at the ends of spans, and whether a quarter, by its start, is whole within one of the spans.
    /// </summary>
    public (List<TimeBuckets.PartialBucket> Partials, Func<long, bool> IsWhole) Cut()
    {
        var (_, _, partials) = _spans.Cut();
        var cut = partials.Select(partial => TimeBuckets.StartOf(TimeBuckets.Quarter, TimeBuckets.Milliseconds(partial.Start))).ToHashSet();
        return (partials, start => _spans.Contains(start) && !cut.Contains(start));
    }
}
