using ChatLogger.Http;

namespace ChatLogger.Ingest;

/// <summary>
/// Writes rows by group commit, each exactly once per Idempotency-Key. A call writes one row and has a result of its own. To write several
/// rows, call it for each without awaiting in between: rows with the same lock key keep the order of the calls.
/// </summary>
internal abstract class IdempotentWriter<TWrite, TValue>(GroupCommit<TWrite> commit, IngestSettings settings, TimeProvider time)
    : IAsyncDisposable
    where TWrite : IWrite<TValue>
    where TValue : class
{
    private readonly KeyedLock<LockKey> _locks = new(settings.KeyLockTimeout, time);

    /// <summary>The 404 for a row whose parent does not exist in its organization.</summary>
    protected abstract string ParentNotFound { get; }

    /// <summary>The 404 for a row that was written with this Idempotency-Key and deleted since.</summary>
    protected abstract string Deleted { get; }

    /// <summary>Writes a row and returns once it is committed.</summary>
    /// <exception cref="ProblemException">There is no such parent, or the Idempotency-Key was used with another body.</exception>
    public async Task<WriteResult<TValue>> Write(TWrite write, CancellationToken ct)
    {
        if (write.IdempotencyKey is not { } idempotencyKey)
        {
            return await commit.Write(write, ct) == WriteStatus.Written
                ? new(write.Value, Replayed: false)
                : throw ProblemException.NotFound(ParentNotFound);
        }
        using var keyLock = await _locks.Acquire(write.KeyParent, idempotencyKey.Key, ct);
        while (true)
        {
            var status = await commit.Write(write, ct);
            if (status == WriteStatus.Written)
                return new(write.Value, Replayed: false);
            // The key may be found even if the parent has been deleted since: the row was written before.
            if (await Find(write, idempotencyKey.Key, time.GetUtcNow() - settings.KeyRetention, ct) is { } stored)
                return Replay(stored, write, idempotencyKey);
            if (status == WriteStatus.NotFound)
                throw ProblemException.NotFound(ParentNotFound);
            // The key expired between the insert and the query, so it is free again: retry.
        }
    }

    public ValueTask DisposeAsync() => commit.DisposeAsync();

    /// <summary>Finds what was written under an Idempotency-Key after the given time; null: nothing was.</summary>
    protected abstract Task<StoredWrite<TValue>?> Find(TWrite write, string key, DateTimeOffset forgotten, CancellationToken ct);

    // The stored row may be our own, when the connection was lost before its commit was confirmed.
    private WriteResult<TValue> Replay(StoredWrite<TValue> stored, TWrite write, Idempotency idempotencyKey)
    {
        if (!stored.BodySha256.AsSpan().SequenceEqual(idempotencyKey.BodySha256))
            throw ProblemException.IdempotencyKeyReused();
        return stored.Value is { } value
            ? new(value, Replayed: stored.Id != write.Id)
            : throw ProblemException.NotFound(Deleted);
    }
}

/// <summary>What was written under an Idempotency-Key, and the hash of the request's body; without a value, it is deleted.</summary>
internal sealed record StoredWrite<T>(byte[] BodySha256, Guid? Id, T? Value)
    where T : class;
