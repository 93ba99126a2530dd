namespace ChatLogger.Transcripts;

/// <summary>
/// Counts what a reader leaves out, cuts or replaces, to be told at the end. One instance is used by one reader, which is read by one task.
/// </summary>
internal sealed class ImportNotes
{
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, long> Counts => _counts;

    public void Add(string what, long count = 1) => _counts[what] = _counts.GetValueOrDefault(what) + count;
}
