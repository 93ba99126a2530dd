using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Ingest;

/// <summary>
/// A row to be written. It is complete: its id and time are assigned before it is queued, so that a retry writes the same row.
/// </summary>
internal interface IWrite
{
    Guid OrgId { get; }

    /// <summary>The row that it belongs to, whose existence the insert checks; an empty id: none.</summary>
    ParentKey Parent { get; }

    /// <summary>The parent within which its Idempotency-Key is unique; an empty id: its organization.</summary>
    ParentKey KeyParent { get; }

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

/// <summary>Identifies a row that others belong to: its organization and its id.</summary>
internal readonly record struct ParentKey(Guid OrgId, Guid Id);

/// <summary>The result of one write of a bulk insert.</summary>
internal enum WriteStatus
{
    /// <summary>The row is committed.</summary>
    Written,

    /// <summary>Nothing is written: the parent does not exist in the organization, or the organization is deleted.</summary>
    NotFound,

    /// <summary>Nothing is written: its Idempotency-Key was used before.</summary>
    DuplicateKey,

    /// <summary>Nothing is written: there is a row that stands for the same thing, e.g. a chat with the same external id.</summary>
    AlreadyExists,

    /// <summary>Nothing is written: it stands for something that was deleted, and does not come back.</summary>
    Gone,

    /// <summary>Nothing is written: another transaction has locked the log of the organization.</summary>
    Locked,
}

/// <summary>A statement that inserts rows of one kind.</summary>
internal interface IBulkInsert
{
    /// <summary>The place of the statement in the transaction: rows that others of the same transaction may belong to come first.</summary>
    int Order { get; }

    /// <summary>
    /// Returns the command that inserts those rows whose organization's log is locked: see <see cref="BulkInsertLog"/>. Its result contains
    /// only the rows that were not inserted: the name of their <see cref="WriteStatus"/>, and their place, counted from 1.
    /// </summary>
    NpgsqlBatchCommand Command(IReadOnlyList<IWrite> writes);

    /// <summary>
    /// Returns the commands that find rows of one organization which may not be inserted. Their results are as that of
    /// <see cref="Command"/>; of several results for a row the first counts.
    /// </summary>
    IReadOnlyList<NpgsqlBatchCommand> Checks(IReadOnlyList<IWrite> writes);

    /// <summary>Returns the commands that insert rows of one organization, each with its number, which nothing speaks against.</summary>
    IReadOnlyList<NpgsqlBatchCommand> Inserts(IReadOnlyList<IWrite> writes, long[] seqs);
}
