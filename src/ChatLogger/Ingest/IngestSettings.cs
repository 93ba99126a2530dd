using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Ingest;

/// <summary>How chats and messages are written: many requests' rows in one statement. Section <c>Ingest</c>.</summary>
internal sealed record IngestSettings
{
    public const string Section = "Ingest";

    /// <summary>A statement that goes ahead of each flush in its transaction; see <see cref="Data.DatabaseSettings.WritingSessionSetup"/>.</summary>
    internal string? SessionSetupSql { get; init; }

    /// <summary>Rows that one statement writes at most. Default 1,000.</summary>
    [Range(1, 10_000)]
    public int FlushRows { get; init; } = 1_000;

    /// <summary>Bytes that one statement carries at most, but always one row. Default 8 MiB.</summary>
    [Range(1, 67_108_864)]
    public int FlushBytes { get; init; } = 8 * 1_048_576;

    /// <summary>Rows of each kind that may wait in this process; a request beyond them is refused with 503. Default 20,000.</summary>
    [Range(1, 1_000_000)]
    public int QueueRows { get; init; } = 20_000;

    /// <summary>The same in bytes. Default 64 MiB.</summary>
    [Range(1, 1_073_741_824)]
    public int QueueBytes { get; init; } = 64 * 1_048_576;

    /// <summary>Rows of batches that may wait in this process; a batch beyond them is refused with 503. Default 50,000.</summary>
    [Range(1, 1_000_000)]
    public int BatchQueueRows { get; init; } = 50_000;

    /// <summary>The same in bytes. Default 64 MiB.</summary>
    [Range(1, 1_073_741_824)]
    public int BatchQueueBytes { get; init; } = 64 * 1_048_576;

    /// <summary>Statements that write batches' messages at a time: one processor of the database's for each. Default 2.</summary>
    [Range(1, 8)]
    public int BatchWriters { get; init; } = 2;

    /// <summary>The part of both that rows which wait for locks may take up, for each organization. Default a quarter.</summary>
    [Range(0.01, 1.0)]
    public double MaxParkedShare { get; init; } = 0.25;

    /// <summary>Chats of each kind of row that wait for their locks at a time, each on a connection of its own. Default 2.</summary>
    [Range(1, 50)]
    public int ConcurrentLockWaits { get; init; } = 2;

    /// <summary>For how long an Idempotency-Key is remembered. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan KeyRetention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long a request waits for another one with its Idempotency-Key. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:04")]
    public TimeSpan KeyLockTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often keys whose time is over are swept away, 10 ms to 1 h. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan CleanupInterval { get; init; } = TimeSpan.FromMinutes(1);
}
