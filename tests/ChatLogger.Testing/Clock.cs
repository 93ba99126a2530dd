using System.Diagnostics;

namespace ChatLogger.Testing;

/// <summary>The service's clock: the real one, until a test moves it.</summary>
internal sealed class Clock : TimeProvider
{
    // Timestamps count from the start of the machine, which a test may move back beyond; they are never negative in production.
    private static readonly long Start = 10 * 365 * 86_400L * Stopwatch.Frequency;

    private TimeSpan _ahead;

    public bool HasMoved => _ahead != TimeSpan.Zero;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _ahead;

    // One clock: timestamps advance together with the time of day.
    public override long GetTimestamp() => Start + System.GetTimestamp() + (long)(_ahead.TotalSeconds * TimestampFrequency);

    public void Advance(TimeSpan by) => _ahead += by;
}
