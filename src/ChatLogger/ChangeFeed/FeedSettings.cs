using System.ComponentModel.DataAnnotations;

namespace ChatLogger.ChangeFeed;

/// <summary>Settings of the consumers of the change feed. Section <c>Feed</c>.</summary>
internal sealed record FeedSettings
{
    public const string Section = "Feed";

    /// <summary>How often an instance polls the organizations that it wrote to, 10 ms to 1 h. Default 250 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How often it checks all organizations for changes that other instances left unconsumed, 10 ms to 1 h. Default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan CatchUpInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The number of chats and messages that a consumer processes in one transaction. Default 10,000.</summary>
    [Range(1, 1_000_000)]
    public int BatchRows { get; init; } = 10_000;

    /// <summary>
    /// The pause after each transaction while plugins write, as a multiple of the duration of the transaction, 0 to 100. Default 4.
    /// </summary>
    [Range(0.0, 100.0)]
    public double YieldFactor { get; init; } = 4.0;

    /// <summary>The lag, in chats and messages, above which consumers no longer pause. Default 100,000.</summary>
    [Range(0, 1_000_000_000)]
    public int MaxBacklog { get; init; } = 100_000;
}
