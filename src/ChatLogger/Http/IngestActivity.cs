namespace ChatLogger.Http;

/// <summary>How much plugins are writing through this instance, for work that can wait while they do.</summary>
internal sealed class IngestActivity
{
    private long _writes;

    /// <summary>Requests at the plugin door so far. Only whether it grows means something.</summary>
    public long Writes => Interlocked.Read(ref _writes);

    public void RecordWrite() => Interlocked.Increment(ref _writes);
}
