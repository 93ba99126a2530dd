namespace ChatLogger.Http;

/// <summary>Lets one of many through, so that a log in trouble is not flooded with the same line: the first, and then one every so often.</summary>
internal sealed class Seldom(TimeSpan every, TimeProvider time)
{
    private long _next = long.MinValue;
    private long _leftOut;

    /// <summary>Whether this one is let through, and how many were not since the last one that was.</summary>
    public bool Lets(out long leftOut)
    {
        leftOut = 0;
        var (now, next) = (time.GetTimestamp(), Interlocked.Read(ref _next));
        if (now < next || Interlocked.CompareExchange(ref _next, now + (long)(every.TotalSeconds * time.TimestampFrequency), next) != next)
        {
            Interlocked.Increment(ref _leftOut);
            return false;
        }
        leftOut = Interlocked.Exchange(ref _leftOut, 0);
        return true;
    }
}
