using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Ingest;

/// <summary>Settings of group commit for chats and messages. Section <c>Ingest</c>.</summary>
internal sealed record IngestSettings
{
    public const string Section = "Ingest";

    /// <summary>
    /// A statement that runs before the insert in the transaction of each flush; see
    /// <see cref="Data.DatabaseSettings.WritingSessionSetup"/>.
    /// </summary>
    internal string? SessionSetupSql { get; init; }

    /// <summary>The maximum number of rows of one bulk insert. Default 1,000.</summary>
    [Range(1, 10_000)]
    public int FlushRows { get; init; } = 1_000;

    /// <summary>The maximum size of one bulk insert in bytes; a single larger row is still written. Default 8 MiB.</summary>
    [Range(1, 67_108_864)]
    public int FlushBytes { get; init; } = 8 * 1_048_576;

    /// <summary>Rows of each kind that may be queued in this process; a request beyond them is refused with 503. Default 20,000.</summary>
    [Range(1, 1_000_000)]
    public int QueueRows { get; init; } = 20_000;

    /// <summary>The same in bytes. Default 64 MiB.</summary>
    [Range(1, 1_073_741_824)]
    public int QueueBytes { get; init; } = 64 * 1_048_576;

    /// <summary>Rows of batches that may be queued in this process; a batch beyond them is refused with 503. Default 50,000.</summary>
    [Range(1, 1_000_000)]
    public int BatchQueueRows { get; init; } = 50_000;

    /// <summary>The same in bytes. Default 64 MiB.</summary>
    [Range(1, 1_073_741_824)]
    public int BatchQueueBytes { get; init; } = 64 * 1_048_576;

    /// <summary>
    /// Writers that insert the messages of batches in parallel; each keeps one processor of the database busy. Default 2.
    /// </summary>
    [Range(1, 8)]
    public int BatchWriters { get; init; } = 2;

    /// <summary>
    /// The share of a queue, in rows and in bytes, that the rows of one organization parked behind locks may take up. Default 0.25.
    /// </summary>
    [Range(0.01, 1.0)]
    public double MaxParkedShare { get; init; } = 0.25;

    /// <summary>Lock keys that each writer waits for at a time, each on a connection of its own. Default 2.</summary>
    [Range(1, 50)]
    public int ConcurrentLockWaits { get; init; } = 2;

    /// <summary>The retention of an Idempotency-Key. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan KeyRetention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long a request waits for another one with the same Idempotency-Key before it fails with 409. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:04")]
    public TimeSpan KeyLockTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often expired Idempotency-Keys are deleted, 10 ms to 1 h. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan CleanupInterval { get; init; } = TimeSpan.FromMinutes(1);
}
