using ChatLogger.Http;

namespace ChatLogger.LiveEvents;

internal sealed partial class LiveHub
{
    // Shorter failures go unnoticed. After longer ones a silent stream would pass for one in which nothing happens.
    private static readonly TimeSpan MaxFailing = TimeSpan.FromSeconds(10);

    private readonly LogSampler _failures;
    private long? _failingSince;

    private void Failed(Exception failure)
    {
        if (_failures.ShouldLog(out _))
            CannotPoll(_log, failure.Message);
    }

    // Those who connect again are refused, and so can tell that the database is away.
    private void EndAfterLongFailure()
    {
        _failingSince ??= _time.GetTimestamp();
        if (_time.GetElapsedTime(_failingSince.Value) > MaxFailing)
            EndAll();
    }

    [LoggerMessage(LogLevel.Warning, "Live events could not be read; retrying: {Reason}")]
    private static partial void CannotPoll(ILogger log, string reason);
}
