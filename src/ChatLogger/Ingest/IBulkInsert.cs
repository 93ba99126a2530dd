using ChatLogger.Http;

namespace ChatLogger.Ingest;

/// <summary>Something to be written, complete: its id and time are made before it is queued.</summary>
internal interface IWrite
{
    /// <summary>What has to be locked for it. Writes at the same place keep their order; a place that somebody else has locked stalls only itself.</summary>
    LockKey LockKey { get; }

    Guid Id { get; }

    /// <summary>About what it takes up in memory and on the wire.</summary>
    int Bytes { get; }

    /// <summary>Null: each request is another.</summary>
    Idempotency? IdempotencyKey { get; }
}

/// <summary>An organization and something in it.</summary>
internal readonly record struct LockKey(Guid OrgId, Guid Id);

/// <summary>What became of a write.</summary>
internal enum WriteStatus
{
    /// <summary>It is durable.</summary>
    Written,

    /// <summary>What it belongs to does not exist in its organization.</summary>
    NotFound,

    /// <summary>Something has been written under its Idempotency-Key.</summary>
    DuplicateKey,

    /// <summary>What it belongs to is locked by somebody else.</summary>
    Locked,
}

/// <summary>The one statement that writes many things of a kind, or none of them.</summary>
internal interface IBulkInsert<T>
    where T : IWrite
{
    /// <summary>The fate of each, in their order. With <paramref name="wait"/> locks are waited for, as briefly as the pool waits for any.</summary>
    Task<WriteStatus[]> Run(IReadOnlyList<T> writes, bool wait);
}
