namespace ChatLogger.Webhooks;

/// <summary>How long to wait after an attempt that failed.</summary>
internal static class RetryDelays
{
    private static readonly TimeSpan[] Delays =
    [
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(2),
        TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(1),
        TimeSpan.FromHours(2),
        TimeSpan.FromHours(4),
    ];

    /// <summary>
    /// The time of the next attempt after so many failed ones; never later than <paramref name="deadline"/>, so that the last attempt is
    /// made when the time for attempts ends.
    /// </summary>
    public static DateTimeOffset Next(int failures, DateTimeOffset now, DateTimeOffset deadline, TimeSpan? retryAfter)
    {
        var delay = Delays[Math.Min(failures, Delays.Length) - 1];
        // Deliveries that failed together do not come together again.
        delay += delay * (Random.Shared.NextDouble() / 5);
        if (retryAfter > delay)
            delay = retryAfter.Value;
        return now + delay < deadline ? now + delay : deadline;
    }
}
