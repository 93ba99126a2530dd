using System.Diagnostics;

namespace ChatLogger.Testing;

/// <summary>The service's clock: the real one, until a test moves or stops it.</summary>
internal sealed class Clock : TimeProvider
{
    // Timestamps count from the start of the machine, which a test may move back beyond; they are never negative in production.
    private static readonly long Start = 10 * 365 * 86_400L * Stopwatch.Frequency;

    private TimeSpan _ahead;
    private (DateTimeOffset Now, long Timestamp)? _stopped;

    public bool HasMoved => _ahead != TimeSpan.Zero || _stopped is not null;

    public override DateTimeOffset GetUtcNow() => (_stopped?.Now ?? System.GetUtcNow()) + _ahead;

    // One clock: timestamps advance together with the time of day.
    public override long GetTimestamp() =>
        Start + (_stopped?.Timestamp ?? System.GetTimestamp()) + (long)(_ahead.TotalSeconds * TimestampFrequency);

    public void Advance(TimeSpan by) => _ahead += by;

    /// <summary>From now on only <see cref="Advance"/> moves it: no permit comes back while a busy machine does something else.</summary>
    public void Stop() => _stopped ??= (System.GetUtcNow(), System.GetTimestamp());
}
