namespace ChatLogger.Http;

/// <summary>Counts plugin writes through this instance, for work that yields to them.</summary>
internal sealed class IngestActivity
{
    private long _writes;

    /// <summary>The number of plugin API requests so far. Only its growth is meaningful.</summary>
    public long Writes => Interlocked.Read(ref _writes);

    public void RecordWrite() => Interlocked.Increment(ref _writes);
}
