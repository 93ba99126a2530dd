using System.ComponentModel.DataAnnotations;

namespace ChatLogger.SearchIndex;

/// <summary>Settings of the search indexer and limits of a search. Section <c>Search</c>.</summary>
internal sealed record SearchSettings
{
    public const string Section = "Search";

    /// <summary>How often an instance polls for messages to index, 10 ms to 1 min. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The number of new chats and messages of all organizations from which on the indexer runs without waiting for more. Searches scan
    /// what is not indexed yet, but the index is smaller the more messages of a chat are indexed together. Default 1,000.
    /// </summary>
    [Range(0, 100_000)]
    public int MinBatch { get; init; } = 1_000;

    /// <summary>How long the indexer waits for a batch to fill, 0 to 1 h. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan MaxIndexDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How often the indexer checks all organizations for messages that other instances left unindexed, 10 ms to 1 h. Default 30 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan CatchUpInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The number of messages that are indexed in one transaction, 1 to 100,000. Default 10,000.</summary>
    [Range(1, 100_000)]
    public int BatchRows { get; init; } = 10_000;

    /// <summary>
    /// The pause after each transaction while plugins write, as a multiple of the duration of the transaction, 0 to 100. Default 4.
    /// </summary>
    [Range(0.0, 100.0)]
    public double YieldFactor { get; init; } = 4.0;

    /// <summary>
    /// The maximum number of unindexed messages that a search scans. While there are more, it scans the chats instead, newest first, and
    /// its pages may be short. Default 20,000.
    /// </summary>
    [Range(0, 1_000_000)]
    public int MaxUnindexedMessages { get; init; } = 20_000;

    /// <summary>The maximum number of chats that one page of a search scans, newest first. Default 20,000.</summary>
    [Range(1, 10_000_000)]
    public int MaxScannedChats { get; init; } = 20_000;

    /// <summary>The maximum number of messages that one page of a search verifies, but always a whole chat. Default 50,000.</summary>
    [Range(1, 10_000_000)]
    public int MaxComparedMessages { get; init; } = 50_000;

    /// <summary>
    /// The time limit of one page of a search; when it is reached, the page contains what was found so far. 1 ms to 10 min, default 2 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan PageTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The time-out of an index query, after which the search scans the chats instead, 1 ms to 10 min. Default 1.5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan IndexTimeout { get; init; } = TimeSpan.FromSeconds(1.5);
}
