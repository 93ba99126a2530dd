namespace ChatLogger.Http;

/// <summary>Lets one of many through, so that a log in trouble is not flooded with the same line: the first, and then one every so often.</summary>
internal sealed class LogSampler(TimeSpan every, TimeProvider time)
{
    private long _next = long.MinValue;
    private long _suppressed;

    /// <summary>Whether this one is let through, and how many were not since the last one that was.</summary>
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
