namespace ChatLogger.Rollups;

/// <summary>
/// A bucket that is about to change, as far as its rows are read: all counts and conversations, whose sums and greatest values depend on
/// each other, but only those people, tags and models that change.
/// </summary>
internal sealed class StoredBucket
{
    private readonly long[] _firsts;
    private readonly SortedSet<int> _needed = [];
    private readonly Dictionary<long, byte[]> _rows = [];
    private bool _isNew;

    /// <param name="firsts">The first keys of its rows, in ascending order.</param>
    /// <param name="parts">What is added to it and subtracted.</param>
    public StoredBucket(long[] firsts, IEnumerable<RollupBucket> parts)
    {
        _firsts = firsts;
        var use = RollupCells.First(RollupCells.Kind.Model);
        foreach (var part in parts)
        {
            if (!part.Counts.IsEmpty || !part.Conversations.IsEmpty)
                _needed.UnionWith(Enumerable.Range(0, firsts.Length).TakeWhile(row => firsts[row] < use).Prepend(RowOf(0)));
            foreach (var model in part.Models.Keys)
                _needed.Add(RowOf(RollupCells.Key(RollupCells.Kind.Model, model)));
            foreach (var tag in part.Tags.Keys)
                _needed.Add(RowOf(RollupCells.Key(RollupCells.Kind.Tag, tag)));
            foreach (var person in part.People.Keys)
                _needed.Add(RowOf(RollupCells.Key(person)));
        }
    }

    public RollupBucket Bucket { get; private set; } = new();

    /// <summary>The first keys of the rows to be read.</summary>
    public IEnumerable<long> Needed => _needed.Where(row => row >= 0).Select(row => _firsts[row]);

    public void Load(long first, byte[] cells, long start)
    {
        _rows.Add(first, cells);
        RollupCells.Read(cells, start, Bucket.Counts, Bucket.Conversations, Bucket);
    }

    /// <summary>Replaces the whole bucket.</summary>
    public void Replace(RollupBucket bucket) => (Bucket, _isNew) = (bucket, true);

    /// <summary>The rows to be written, and the first keys of those to be deleted.</summary>
    public (List<(long First, byte[] Cells)> Changed, List<long> Gone) Changes(long start)
    {
        var cells = RollupCells.Of(Bucket, start);
        var rows = _isNew
            ? cells.Rows(0, long.MaxValue)
            : [.. _needed.SelectMany(row => cells.Rows(FirstOf(row), FirstOf(row + 1)))];
        var kept = rows.Select(row => row.First).ToHashSet();
        return (
            rows.FindAll(row => !_rows.TryGetValue(row.First, out var before) || !before.AsSpan().SequenceEqual(row.Cells)),
            [.. (_isNew ? _firsts : Needed).Where(first => !kept.Contains(first))]);
    }

    // The row that has a key; -1: the cells before the first row.
    private int RowOf(long key)
    {
        var found = Array.BinarySearch(_firsts, key);
        return found >= 0 ? found : ~found - 1;
    }

    private long FirstOf(int row) => row < 0 ? 0 : row < _firsts.Length ? _firsts[row] : long.MaxValue;
}
