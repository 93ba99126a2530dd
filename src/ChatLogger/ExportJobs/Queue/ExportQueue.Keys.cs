using ChatLogger.Data;
using ChatLogger.Http;

namespace ChatLogger.ExportJobs;

/// <content>Idempotency-Keys of exports.</content>
internal sealed partial class ExportQueue
{
    /// <summary>Acquires the lock of the Idempotency-Key within this process. Disposing the result releases it.</summary>
    public Task<IDisposable> Acquire(Guid orgId, Idempotency idempotencyKey, CancellationToken ct) =>
        keys.Acquire(orgId, Route, idempotencyKey, ct);

    /// <summary>The export that was queued under the Idempotency-Key, in its current state; null: the key is not in use.</summary>
    public async Task<EnqueuedExport?> Find(Guid orgId, Idempotency idempotencyKey, CancellationToken ct)
    {
        if (await keys.Find(orgId, Route, idempotencyKey, ct) is not { } id)
            return null;
        if (!engine.IsDistributed)
            return await Again(orgId, id, ct);
        // Without an export the key was stored and the export not made: see StoreKey.
        return await Get(orgId, id, ct) is { } made ? new(made, Replayed: true) : null;
    }

    private async Task<EnqueuedExport> Again(Guid orgId, Guid id, CancellationToken ct) =>
        await Get(orgId, id, ct) is { } export
            ? new(export, Replayed: true)
            : throw ProblemException.NotFound("The export that was asked for with this Idempotency-Key is deleted.");

    // The key is on a shard and the export on the coordinator, so the key comes first. If the service was killed in between, or refused the
    // export then, a retry makes the export under the id that the key has. Returns that id.
    private async Task<Guid> StoreKey(Guid orgId, Idempotency idempotencyKey, Guid id, CancellationToken ct) =>
        await db.InTransactionAsync(
            async transaction =>
            {
                await transaction.ExecuteAsync(database.DistributedSetup, new { });
                return await keys.Insert(transaction, orgId, Route, idempotencyKey, id);
            },
            ct) ?? id;
}
