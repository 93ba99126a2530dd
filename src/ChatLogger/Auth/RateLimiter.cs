namespace ChatLogger.Auth;

/// <summary>
/// Limits the rate of an action. The state of a caller is one number, changed without a lock; 0 is a caller without history. The time until
/// the next permit follows exactly from the state.
/// </summary>
internal abstract class RateLimiter(TimeProvider time)
{
    /// <summary>Takes a permit. Returns null on success; else the time until the next permit.</summary>
    public TimeSpan? TryAcquire(ref long state)
    {
        while (true)
        {
            var seen = Volatile.Read(ref state);
            if (Next(seen, time.GetTimestamp(), out var next) is > 0 and var wait)
                return ToTimeSpan(wait);
            if (Interlocked.CompareExchange(ref state, next, seen) == seen)
                return null;
        }
    }

    /// <summary>Does the same without taking a permit.</summary>
    public TimeSpan? TimeUntilNext(ref long state) =>
        Next(Volatile.Read(ref state), time.GetTimestamp(), out _) is > 0 and var wait ? ToTimeSpan(wait) : null;

    /// <summary>Whether the state equals that of a caller without history, so that it may be dropped.</summary>
    public bool IsIdle(ref long state) => IsIdle(Volatile.Read(ref state), time.GetTimestamp());

    /// <summary>Returns the ticks to wait, or 0; for 0, <paramref name="next"/> is the state after taking a permit.</summary>
    protected abstract long Next(long seen, long now, out long next);

    protected abstract bool IsIdle(long seen, long now);

    private TimeSpan ToTimeSpan(long ticks) => time.GetElapsedTime(0, ticks);
}

/// <summary>
/// A token bucket: a rate per second in the long run, and a burst after idle time. The state is the instant at which the bucket is full
/// again (the "generic cell rate algorithm", GCRA), so nothing has to be refilled.
/// </summary>
internal sealed class TokenBucketLimiter(int perSecond, int burst, TimeProvider time) : RateLimiter(time)
{
    private readonly long _ticksPerToken = Math.Max(1, time.TimestampFrequency / perSecond);

    protected override long Next(long seen, long now, out long next)
    {
        next = Math.Max(seen, now) + _ticksPerToken;
        return Math.Max(0, next - now - _ticksPerToken * burst);
    }

    protected override bool IsIdle(long seen, long now) => seen <= now;
}

/// <summary>
/// A fixed window of a minute that begins with the first permit. The state holds that start in milliseconds, and the count in the last 20
/// bits.
/// </summary>
internal sealed class FixedWindowLimiter(int perMinute, TimeProvider time) : RateLimiter(time)
{
    private const int CountBits = 20;
    private const long CountMask = (1L << CountBits) - 1;
    private const long Minute = 60_000;

    private readonly long _millisecond = time.TimestampFrequency / 1_000;

    protected override long Next(long seen, long now, out long next)
    {
        var (begin, count) = (seen >> CountBits, seen & CountMask);
        var instant = now / _millisecond;
        next = IsIdle(seen, now) ? instant << CountBits | 1 : seen + 1;
        return IsIdle(seen, now) || count < perMinute ? 0 : (begin + Minute - instant) * _millisecond;
    }

    protected override bool IsIdle(long seen, long now) => seen == 0 || now / _millisecond - (seen >> CountBits) >= Minute;
}
