namespace ChatLogger.Auth;

/// <summary>
/// How much somebody may do in how much time. What is remembered of a caller is one number, changed without a lock; 0 is a caller who has done
/// nothing yet. When there is something again follows from it exactly.
/// </summary>
internal abstract class RateLimiter(TimeProvider time)
{
    /// <summary>Takes one. Null: it was there; else how long it is until there is one again.</summary>
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

    /// <summary>The same without taking.</summary>
    public TimeSpan? TimeUntilNext(ref long state) =>
        Next(Volatile.Read(ref state), time.GetTimestamp(), out _) is > 0 and var wait ? ToTimeSpan(wait) : null;

    /// <summary>Whether the caller is like one who has done nothing yet, and may be forgotten.</summary>
    public bool IsIdle(ref long state) => IsIdle(Volatile.Read(ref state), time.GetTimestamp());

    /// <summary>Ticks to wait, 0 for none; then <paramref name="next"/> is the state after taking one.</summary>
    protected abstract long Next(long seen, long now, out long next);

    protected abstract bool IsIdle(long seen, long now);

    private TimeSpan ToTimeSpan(long ticks) => time.GetElapsedTime(0, ticks);
}

/// <summary>
/// So many a second in the long run, and a burst of so many after a rest: a token bucket. The state is the instant at which the bucket is full
/// again (the "generic cell rate algorithm"), so nothing has to be refilled.
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

/// <summary>So many in a minute that begins with the first. The state is that beginning, in milliseconds, and the count in the last 20 bits.</summary>
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
