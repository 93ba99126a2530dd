using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Ingest;

/// <summary>
/// A row to be written. It is complete: its id and time are assigned before it is queued, so that a retry writes the same row.
/// </summary>
internal interface IWrite
{
    /// <summary>
    /// The row that the insert locks. Writes with the same lock key keep their order; while another transaction holds the lock, only they
    /// wait.
    /// </summary>
    LockKey LockKey { get; }

    /// <summary>The parent within which its Idempotency-Key is unique; an empty id: its organization.</summary>
    LockKey KeyParent { get; }

    Guid Id { get; }

    /// <summary>Approximate size in memory and on the wire.</summary>
    int Bytes { get; }

    /// <summary>Null: the request came without an Idempotency-Key, so a retry of it writes another row.</summary>
    Idempotency? IdempotencyKey { get; }
}

/// <summary>A row to be written, and the value that the response shows of it.</summary>
internal interface IWrite<out TValue> : IWrite
{
    TValue Value { get; }
}

/// <summary>Identifies a row that is locked: its organization and its id.</summary>
internal readonly record struct LockKey(Guid OrgId, Guid Id);

/// <summary>The result of one write of a bulk insert.</summary>
internal enum WriteStatus
{
    /// <summary>The row is committed.</summary>
    Written,

    /// <summary>Nothing is written: the parent does not exist in the organization.</summary>
    NotFound,

    /// <summary>Nothing is written: its Idempotency-Key was used before.</summary>
    DuplicateKey,

    /// <summary>Nothing is written: there is a row that stands for the same thing, e.g. a chat with the same external id.</summary>
    AlreadyExists,

    /// <summary>Nothing is written: another transaction has locked the parent.</summary>
    Locked,
}

/// <summary>One statement that inserts many rows of one kind; if it throws, it has inserted none of them.</summary>
internal interface IBulkInsert<T>
    where T : IWrite
{
    /// <summary>
    /// Returns the status of each write, in the given order. With <paramref name="wait"/> the statement waits for row locks, up to the lock
    /// timeout of the pool; without, it reports locked rows as <see cref="WriteStatus.Locked"/>.
    /// </summary>
    Task<WriteStatus[]> Run(IReadOnlyList<T> writes, bool wait);

    /// <summary>
    /// Whether the failure goes away when the statement is run again: another transaction has committed, in between, a row that it will
    /// then report as <see cref="WriteStatus.AlreadyExists"/>.
    /// </summary>
    bool IsRepeatable(PostgresException failure) => false;
}
