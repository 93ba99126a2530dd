namespace ChatLogger.Http;

/// <summary>Samples log messages, so that a repeated failure does not flood the log: the first passes, then one per interval.</summary>
internal sealed class LogSampler(TimeSpan every, TimeProvider time)
{
    private long _next = long.MinValue;
    private long _suppressed;

    /// <summary>Whether to log this message, and how many were suppressed since the last logged one.</summary>
    public bool ShouldLog(out long suppressed)
    {
        suppressed = 0;
        var (now, next) = (time.GetTimestamp(), Interlocked.Read(ref _next));
        if (now < next || Interlocked.CompareExchange(ref _next, now + (long)(every.TotalSeconds * time.TimestampFrequency), next) != next)
        {
            Interlocked.Increment(ref _suppressed);
            return false;
        }
        suppressed = Interlocked.Exchange(ref _suppressed, 0);
        return true;
    }
}
