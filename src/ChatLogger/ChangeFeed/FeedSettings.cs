using System.ComponentModel.DataAnnotations;

namespace ChatLogger.ChangeFeed;

/// <summary>How arrivals are followed. Section <c>Feed</c>.</summary>
internal sealed record FeedSettings
{
    public const string Section = "Feed";

    /// <summary>How often an instance looks at the organizations that it wrote to, 10 ms to 1 h. Default 250 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often it looks at all of them, for what other instances left, 10 ms to 1 h. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan CatchUpInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Chats and messages that are followed in one transaction. Default 10,000.</summary>
    [Range(1, 1_000_000)]
    public int BatchRows { get; init; } = 10_000;

    /// <summary>For how long to rest after each transaction while plugins write, in proportion to it, 0 to 100. Default 2.</summary>
    [Range(0.0, 100.0)]
    public double YieldFactor { get; init; } = 2.0;

    /// <summary>Arrivals that may wait before there is no rest any more. Default 100,000.</summary>
    [Range(0, 1_000_000_000)]
    public int MaxBacklog { get; init; } = 100_000;
}
