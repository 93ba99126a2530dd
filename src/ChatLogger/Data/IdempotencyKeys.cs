using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// What has been made under an Idempotency-Key, for routes that write one row in a transaction of their own and have no parent. What is written for
/// many at a time brings its keys in its own statement.
/// </summary>
internal sealed class IdempotencyKeys(NpgsqlDataSource db, TimeSpan keepFor, TimeSpan twinPatience, TimeProvider time)
{
    private readonly Twins<(Guid OrgId, string Route)> _twins = new(twinPatience, time);

    /// <summary>Waits for requests of this process with the same key; the turn ends with disposal.</summary>
    /// <exception cref="Problem">The other one takes too long: 409.</exception>
    public Task<IDisposable> Turn(Guid orgId, string route, Idempotency once, CancellationToken ct) => _twins.Turn((orgId, route), once.Key, ct);

    /// <summary>The id of what was made under the key; null where nothing was.</summary>
    /// <exception cref="Problem">It came with another body: 422.</exception>
    public async Task<Guid?> Find(Guid orgId, string route, Idempotency once, CancellationToken ct) =>
        (await db.QuerySingleOrDefaultAsync<Known>(
            """
            select body_sha256, target_id
            from idempotency_keys
            where org_id = @OrgId
              and route = @Route
              and parent_id = @Parent
              and key = @Key
              and created_at > @Forgotten
            """,
            new { OrgId = orgId, Route = route, Parent = Guid.Empty, once.Key, Forgotten = time.GetUtcNow() - keepFor },
            ct))?.Target(once);

    /// <summary>
    /// Remembers what the transaction is about to make, or answers with the id of what was made before. Twins on other instances wait here for the
    /// commit. An entry whose day is over is as good as none, whether or not the sweep has been there.
    /// </summary>
    /// <exception cref="Problem">It came with another body, 422; or the other one takes too long, 409.</exception>
    public async Task<Guid?> Take(Sql.Transaction transaction, Guid orgId, string route, Idempotency once, Guid targetId)
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
                    once.Key,
                    once.BodySha256,
                    TargetId = targetId,
                    Now = now,
                    Forgotten = now - keepFor,
                });
            if (taken == 1)
                return null;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw Problem.IdempotencyKeyInUse();
        }
        // The row is locked by the statement before, which found it alive: it is there, and stays.
        var known = await transaction.QuerySingleOrDefaultAsync<Known>(
            """
            select body_sha256, target_id
            from idempotency_keys
            where org_id = @OrgId
              and route = @Route
              and parent_id = @Parent
              and key = @Key
            """,
            new { OrgId = orgId, Route = route, Parent = Guid.Empty, once.Key });
        return known!.Target(once);
    }

    private sealed record Known(byte[] BodySha256, Guid TargetId)
    {
        public Guid Target(Idempotency once) =>
            BodySha256.AsSpan().SequenceEqual(once.BodySha256) ? TargetId : throw Problem.IdempotencyKeyReused();
    }
}
