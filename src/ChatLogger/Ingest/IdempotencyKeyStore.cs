using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Ingest;

/// <summary>
/// What has been made under an Idempotency-Key, for routes that write one row in a transaction of their own and have no parent. What is written for
/// many at a time brings its keys in its own statement.
/// </summary>
internal sealed class IdempotencyKeyStore(NpgsqlDataSource db, TimeSpan keepFor, TimeSpan keyLockTimeout, TimeProvider time)
{
    private readonly KeyedLock<(Guid OrgId, string Route)> _locks = new(keyLockTimeout, time);

    /// <summary>Waits for requests of this process with the same key; the turn ends with disposal.</summary>
    /// <exception cref="ProblemException">The other one takes too long: 409.</exception>
    public Task<IDisposable> Acquire(Guid orgId, string route, Idempotency idempotencyKey, CancellationToken ct) => _locks.Acquire((orgId, route), idempotencyKey.Key, ct);

    /// <summary>The id of what was made under the key; null where nothing was.</summary>
    /// <exception cref="ProblemException">It came with another body: 422.</exception>
    public async Task<Guid?> Find(Guid orgId, string route, Idempotency idempotencyKey, CancellationToken ct) =>
        (await db.QuerySingleOrDefaultAsync<StoredKey>(
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
    /// Remembers what the transaction is about to make, or answers with the id of what was made before. Twins on other instances wait here for the
    /// commit. An entry whose day is over is as good as none, whether or not the sweep has been there.
    /// </summary>
    /// <exception cref="ProblemException">It came with another body, 422; or the other one takes too long, 409.</exception>
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
                    idempotencyKey.BodySha256,
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
        // The row is locked by the statement before, which found it alive: it is there, and stays.
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

    private sealed record StoredKey(byte[] BodySha256, Guid TargetId)
    {
        public Guid TargetFor(Idempotency idempotencyKey) =>
            BodySha256.AsSpan().SequenceEqual(idempotencyKey.BodySha256) ? TargetId : throw ProblemException.IdempotencyKeyReused();
    }
}
