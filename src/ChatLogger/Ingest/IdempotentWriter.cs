using ChatLogger.Http;

namespace ChatLogger.Ingest;

/// <summary>
/// Writes rows by group commit, each exactly once per Idempotency-Key. A call writes one row and has a result of its own. To write several
/// rows, call it for each without awaiting in between: rows of an organization keep the order of the calls.
/// </summary>
internal abstract class IdempotentWriter<TWrite, TValue>(
    GroupCommit commit, IBulkInsert insert, QueueCapacity capacity, IngestSettings settings, TimeProvider time)
    where TWrite : IWrite<TValue>
    where TValue : class
{
    private readonly KeyedLock<ParentKey> _locks = new(settings.KeyLockTimeout, time);

    protected IngestSettings Settings => settings;

    protected TimeProvider Time => time;

    /// <summary>The 404 for a row whose parent does not exist in its organization.</summary>
    protected abstract string ParentNotFound { get; }

    /// <summary>The 404 for a row that was written with this Idempotency-Key and deleted since.</summary>
    protected abstract string Deleted { get; }

    /// <summary>The 404 for a row that stands for something that was deleted and does not come back.</summary>
    protected virtual string Gone => throw new NotSupportedException("These rows have no identity but their id.");

    /// <summary>Writes a row and returns once it is committed.</summary>
    /// <exception cref="ProblemException">There is no such parent, or the Idempotency-Key was used with another body.</exception>
    public async Task<WriteResult<TValue>> Write(TWrite write, CancellationToken ct)
    {
        using var keyLock = write.IdempotencyKey is { } locked ? await _locks.Acquire(write.KeyParent, locked.Key, ct) : null;
        while (true)
        {
            var status = await commit.Write(write, insert, capacity, ct);
            if (status == WriteStatus.Written)
                return new(write.Value, Replayed: false);
            // The key may be found even if the parent has been deleted since: the row was written before.
            if (write.IdempotencyKey is { } idempotencyKey
                && await Find(write, idempotencyKey.Key, time.GetUtcNow() - settings.KeyRetention, ct) is { } stored)
                return Replay(stored, write, idempotencyKey);
            if (status == WriteStatus.Gone)
                throw ProblemException.Deleted(Gone);
            if (status == WriteStatus.NotFound)
                throw ProblemException.NotFound(ParentNotFound);
            if (status == WriteStatus.AlreadyExists && await FindExisting(write, ct) is { Value: { } existing } found)
                return new(existing, Replayed: false) { Existed = found.Id != write.Id };
            // The key expired between the insert and the query, or the existing row is deleted, so the way is free again: retry.
        }
    }

    /// <summary>Finds what was written under an Idempotency-Key after the given time; null: nothing was.</summary>
    protected abstract Task<StoredWrite<TValue>?> Find(TWrite write, string key, DateTimeOffset forgotten, CancellationToken ct);

    /// <summary>
    /// Finds the row that stands for the same thing as this one, and stores the Idempotency-Key of the write, if any, for it; null: there
    /// is none any more, or the key has been stored for another row meanwhile.
    /// </summary>
    protected virtual Task<StoredWrite<TValue>?> FindExisting(TWrite write, CancellationToken ct) =>
        throw new NotSupportedException("These rows have no identity but their id.");

    // The stored row may be our own, when the connection was lost before its commit was confirmed.
    private WriteResult<TValue> Replay(StoredWrite<TValue> stored, TWrite write, Idempotency idempotencyKey)
    {
        if (!idempotencyKey.BodyHash.Matches(stored.BodySha256))
            throw ProblemException.IdempotencyKeyReused();
        return stored.Value is { } value
            ? new(value, Replayed: stored.Id != write.Id) { Existed = stored.Existed }
            : throw ProblemException.NotFound(Deleted);
    }
}

/// <summary>What was written under an Idempotency-Key, and the hash of the request's body; without a value, it is deleted.</summary>
/// <param name="BodySha256">The hash of the body.</param>
/// <param name="Id">The id of the row.</param>
/// <param name="Value">The row.</param>
/// <param name="Existed">Whether the row was there before the request with this key.</param>
internal sealed record StoredWrite<T>(byte[] BodySha256, Guid? Id, T? Value, bool Existed = false)
    where T : class;
