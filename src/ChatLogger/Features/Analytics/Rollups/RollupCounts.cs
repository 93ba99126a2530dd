using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>
/// The counts of a range of time, cut into spans (each ends where the next begins), of which any number go into one slot: from rollups as far as
/// they reach, from the rows for what is less than a quarter of an hour and for what has arrived since.
/// </summary>
internal sealed class RollupCounts(IReadOnlyList<(DateTimeOffset Start, int Slot)> spans, DateTimeOffset end, int slots)
{
    /// <summary>More than so many messages that are not folded yet are better counted by the database.</summary>
    private const int MostFresh = 250_000;

    private readonly long[] _starts = [.. spans.Select(span => Spans.FirstMillisecond(span.Start))];
    private readonly TallyCounts[] _counts = [.. Enumerable.Range(0, slots).Select(_ => new TallyCounts())];

    public TallyCounts this[int slot] => _counts[slot];

    /// <summary>Up to which number the organization is folded; null: too much is not.</summary>
    public static async Task<long?> Reach(Sql.Transaction snapshot, Guid orgId)
    {
        var upTo = await snapshot.QuerySingleOrDefaultAsync<long?>(
            "select seq from followers where org_id = @OrgId and follower = @Name", new { OrgId = orgId, Rollups.Name }) ?? -1;
        var waiting = await snapshot.QuerySingleOrDefaultAsync<long>(
            "select count(*) from (select from messages where org_id = @OrgId and seq > @UpTo limit @Limit) waiting",
            new { OrgId = orgId, UpTo = upTo, Limit = MostFresh + 1 });
        return waiting > MostFresh ? null : upTo;
    }

    /// <summary>Adds what is folded.</summary>
    public async Task Read(Sql.Transaction snapshot, Guid orgId, long upTo)
    {
        var (segments, slotOf, edges) = (new List<Spans.Segment>(), new List<int>(), new List<Spans.Edge>());
        for (var i = 0; i < spans.Count; i++)
        {
            Spans.Cut(spans[i].Start.UtcDateTime, (i + 1 < spans.Count ? spans[i + 1].Start : end).UtcDateTime, segments, edges);
            while (slotOf.Count < segments.Count)
                slotOf.Add(spans[i].Slot);
        }
        foreach (var row in await snapshot.QueryAsync<Row>(
            """
            select s.no::int, r.counts
            from unnest(@Tiers, @Starts, @Ends) with ordinality as s(tier, start, until, no)
            join rollups r on r.org_id = @OrgId and r.tier = s.tier and r.start >= s.start and r.start < s.until
            """,
            RollupSql.Segments(orgId, segments)))
        {
            _counts[slotOf[row.No - 1]].Add(row.Counts);
        }
        if (edges.Count == 0)
            return;
        foreach (var what in await RollupSql.Read(snapshot, RollupSql.Within, RollupSql.Edges(orgId, upTo, edges)))
            Add(what);
    }

    /// <summary>Adds something that is not folded, of the range.</summary>
    public void Add(Happening what)
    {
        var found = Array.BinarySearch(_starts, what.At);
        _counts[spans[found >= 0 ? found : ~found - 1].Slot].Add(what);
    }

    private sealed record Row(int No, byte[] Counts);
}
