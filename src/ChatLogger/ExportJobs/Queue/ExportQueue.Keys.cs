using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;

namespace ChatLogger.ExportJobs;

/// <content>Idempotency-Keys of exports.</content>
internal sealed partial class ExportQueue
{
    /// <summary>
    /// Queues an export. If the Idempotency-Key was used before, it returns the export queued then, which does not count towards the limits
    /// again.
    /// </summary>
    /// <exception cref="ProblemException">
    /// The organization has too many queued exports, or has requested too many within the hour.
    /// </exception>
    public async Task<EnqueuedExport> Enqueue(
        ExportRequest request,
        Guid requestedBy,
        string timeZone,
        Actor actor,
        Idempotency? idempotencyKey,
        CancellationToken ct)
    {
        var (id, now) = ids.Next();
        if (!engine.IsDistributed || idempotencyKey is null)
            return await Enqueue(request, requestedBy, timeZone, actor, idempotencyKey, id, now, ct);
        id = await StoreKey(request.OrgId, idempotencyKey, id, ct);
        try
        {
            return await Get(request.OrgId, id, ct) is { } made
                ? new(made, Replayed: true)
                : await Enqueue(request, requestedBy, timeZone, actor, null, id, now, ct);
        }
        catch (ProblemException)
        {
            // A refusal is not remembered.
            await ForgetKey(request.OrgId, idempotencyKey, id, ct);
            throw;
        }
    }

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

    // The key is on a shard and the export on the coordinator, so the key comes first. If the service was killed in between, a retry makes
    // the export under the id that the key has. Returns that id.
    private async Task<Guid> StoreKey(Guid orgId, Idempotency idempotencyKey, Guid id, CancellationToken ct) =>
        await db.InTransactionAsync(
            async transaction =>
            {
                await transaction.ExecuteAsync(database.DistributedSetup, new { });
                return await keys.Insert(transaction, orgId, Route, idempotencyKey, id);
            },
            ct) ?? id;

    private async Task ForgetKey(Guid orgId, Idempotency idempotencyKey, Guid id, CancellationToken ct)
    {
        // Another request may have made the export meanwhile.
        if (await Get(orgId, id, ct) is null)
            await keys.Delete(orgId, Route, idempotencyKey, id, ct);
    }
}
