using ChatLogger.Http;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Throttles an export while plugins write: after each work interval it pauses for a multiple of the interval. Backpressure then also
/// pauses the query in the database, which waits for its rows to be read. While nobody writes, the export runs at full speed.
/// </summary>
internal sealed class ExportThrottle(IngestActivity activity, double yield, TimeProvider time)
{
    /// <summary>The minimum work interval; a pause after a shorter one is not worth a timer.</summary>
    private static readonly TimeSpan Stretch = TimeSpan.FromMilliseconds(20);

    private long _since = time.GetTimestamp();
    private long _seen = activity.Writes;

    /// <summary>
    /// How long to pause now: zero within a work interval and while nobody writes. At the end of an interval the next one begins.
    /// </summary>
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

    /// <summary>Restarts the work interval after a pause, so that the pause does not count as work.</summary>
    public void Resume() => _since = time.GetTimestamp();
}
