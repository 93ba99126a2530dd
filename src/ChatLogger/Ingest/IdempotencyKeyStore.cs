using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Ingest;

/// <summary>
/// Maps Idempotency-Keys to what was created under them, for routes that write one row in a transaction of their own and have no parent.
/// The bulk inserts write their keys in their own statement instead.
/// </summary>
internal sealed class IdempotencyKeyStore(NpgsqlDataSource db, TimeSpan keepFor, TimeSpan keyLockTimeout, TimeProvider time)
{
    private readonly KeyedLock<(Guid OrgId, string Route)> _locks = new(keyLockTimeout, time);

    /// <summary>Acquires the lock of the key within this process. Disposing the result releases it.</summary>
    /// <exception cref="ProblemException">Another request held the key for longer than the timeout: 409.</exception>
    public Task<IDisposable> Acquire(Guid orgId, string route, Idempotency idempotencyKey, CancellationToken ct) =>
        _locks.Acquire((orgId, route), idempotencyKey.Key, ct);

    /// <summary>The id of what was created under the key; null: the key is not in use.</summary>
    /// <exception cref="ProblemException">The key was used with another body: 422.</exception>
    public async Task<Guid?> Find(Guid orgId, string route, Idempotency idempotencyKey, CancellationToken ct) =>
        (await db.ReadSingleOrDefaultAsync<StoredKey>(
            """
            select body_sha256, target_id
            from idempotency_keys
            where org_id = @OrgId
              and route = @Route
              and parent_id = @Parent
              and key = @Key
              and created_at > @Forgotten
            """,
            new { OrgId = orgId, Route = route, Parent = Guid.Empty, idempotencyKey.Key, Forgotten = time.GetUtcNow() - keepFor },
            ct))?.TargetFor(idempotencyKey);

    /// <summary>
    /// Stores the key for what the transaction is about to create and returns null, or returns the id of what was created under it before.
    /// A request with the same key on another instance blocks here until the first one commits. An expired entry is overwritten, whether or
    /// not the cleanup has seen it.
    /// </summary>
    /// <exception cref="ProblemException">
    /// The key was used with another body, 422; or another request held it for too long, 409.
    /// </exception>
    public async Task<Guid?> Insert(Sql.Transaction transaction, Guid orgId, string route, Idempotency idempotencyKey, Guid targetId)
    {
        var now = time.GetUtcNow();
        try
        {
            var taken = await transaction.ExecuteAsync(
                """
                insert into idempotency_keys as known (org_id, route, parent_id, key, body_sha256, target_id, created_at)
                values (@OrgId, @Route, @Parent, @Key, @BodySha256, @TargetId, @Now)
                on conflict (org_id, route, parent_id, key) do update
                set body_sha256 = excluded.body_sha256, target_id = excluded.target_id, created_at = excluded.created_at
                where known.created_at <= @Forgotten
                """,
                new
                {
                    OrgId = orgId,
                    Route = route,
                    Parent = Guid.Empty,
                    idempotencyKey.Key,
                    BodySha256 = idempotencyKey.BodyHash.Stored,
                    TargetId = targetId,
                    Now = now,
                    Forgotten = now - keepFor,
                });
            if (taken == 1)
                return null;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw ProblemException.IdempotencyKeyInUse();
        }
        // The upsert has locked the existing row even though it did not update it, so the row cannot be deleted before this select.
        var known = await transaction.QuerySingleOrDefaultAsync<StoredKey>(
            """
            select body_sha256, target_id
            from idempotency_keys
            where org_id = @OrgId
              and route = @Route
              and parent_id = @Parent
              and key = @Key
            """,
            new { OrgId = orgId, Route = route, Parent = Guid.Empty, idempotencyKey.Key });
        return known!.TargetFor(idempotencyKey);
    }

    /// <summary>Forgets the key of what was not created.</summary>
    public Task Delete(Guid orgId, string route, Idempotency idempotencyKey, Guid targetId, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            delete from idempotency_keys
            where org_id = @OrgId
              and route = @Route
              and parent_id = @Parent
              and key = @Key
              and target_id = @TargetId
            """,
            new { OrgId = orgId, Route = route, Parent = Guid.Empty, idempotencyKey.Key, TargetId = targetId },
            ct);

    private sealed record StoredKey(byte[] BodySha256, Guid TargetId)
    {
        public Guid TargetFor(Idempotency idempotencyKey) =>
            idempotencyKey.BodyHash.Matches(BodySha256) ? TargetId : throw ProblemException.IdempotencyKeyReused();
    }
}
