using ChatLogger.Http;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Lets an export give way: while plugins write, it rests after each stretch of work, in proportion to it. The rest also stops the database's side,
/// which waits for its rows to be taken. When nobody writes it runs at full speed.
/// </summary>
internal sealed class ExportThrottle(IngestActivity activity, double yield, TimeProvider time)
{
    /// <summary>Shorter stretches are not worth a timer.</summary>
    private static readonly TimeSpan Stretch = TimeSpan.FromMilliseconds(20);

    private long _since = time.GetTimestamp();
    private long _seen = activity.Writes;

    /// <summary>How long to rest now; mostly not at all. A stretch begins when this is called after the last one is over.</summary>
    public TimeSpan RequiredDelay()
    {
        var worked = time.GetElapsedTime(_since);
        if (worked < Stretch)
            return TimeSpan.Zero;
        var writes = activity.Writes;
        var busy = writes != _seen;
        _seen = writes;
        _since = time.GetTimestamp();
        return busy ? worked * yield : TimeSpan.Zero;
    }

    /// <summary>The rest is over: it is no work.</summary>
    public void Resume() => _since = time.GetTimestamp();
}
