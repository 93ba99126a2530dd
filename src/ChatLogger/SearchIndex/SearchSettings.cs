using System.ComponentModel.DataAnnotations;

namespace ChatLogger.SearchIndex;

/// <summary>How messages are indexed for searches, and how much one search may look at. Section <c>Search</c>.</summary>
internal sealed record SearchSettings
{
    public const string Section = "Search";

    /// <summary>How often an instance looks whether there is something to index, 10 ms to 1 min. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Arrivals, of all organizations, that are indexed at once rather than wait for more: searches read through what is not indexed, and the index is
    /// the smaller the more messages of a chat it takes in together. Default 1,000.
    /// </summary>
    [Range(0, 100_000)]
    public int MinBatch { get; init; } = 1_000;

    /// <summary>How long they wait for more, 0 to 1 h. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan MaxIndexDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often all organizations are looked at, for what other instances left, 10 ms to 1 h. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan CatchUpInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Messages that are indexed in one transaction. Default 2,000.</summary>
    [Range(1, 100_000)]
    public int BatchRows { get; init; } = 2_000;

    /// <summary>For how long to rest after each transaction while plugins write, in proportion to it, 0 to 100. Default 3.</summary>
    [Range(0.0, 100.0)]
    public double YieldFactor { get; init; } = 3.0;

    /// <summary>
    /// Messages without an index that a search reads through at most. While there are more, it goes through the chats instead, newest first, and its
    /// pages may be short. Default 20,000.
    /// </summary>
    [Range(0, 1_000_000)]
    public int MaxUnindexedMessages { get; init; } = 20_000;

    /// <summary>Chats that a page of a search goes through at most, newest first. Default 20,000.</summary>
    [Range(1, 10_000_000)]
    public int MaxScannedChats { get; init; } = 20_000;

    /// <summary>Messages that a page of a search compares at most, but always a whole chat. Default 50,000.</summary>
    [Range(1, 10_000_000)]
    public int MaxComparedMessages { get; init; } = 50_000;

    /// <summary>How long a page of a search goes on looking; then it has what was found so far. 1 ms to 10 min, default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan PageTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the index may be asked before the search goes through the chats instead, 1 ms to 10 min. Default 1.5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan IndexTimeout { get; init; } = TimeSpan.FromSeconds(1.5);
}
