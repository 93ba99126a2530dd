using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Ingest;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Finds the chats that have the external ids of chats that were to be created, and stores the Idempotency-Keys of these requests for them:
/// they are answered with the chat there is.
/// </summary>
internal sealed class ExistingChats(
    [FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db, OrganizationLog organizationLog, IngestSettings settings, TimeProvider time)
{
    /// <summary>
    /// Returns the position (from 1) and the chat of those that are found. A chat whose Idempotency-Key another request has stored
    /// meanwhile is left out.
    /// </summary>
    public Task<IReadOnlyList<ExistingItem>> Find(string route, IReadOnlyList<NewChat> chats, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var parameters = new
        {
            chats[0].OrgId,
            ExternalIds = chats.Select(chat => chat.Chat.ExternalId!).ToArray(),
            Keys = chats.Select(chat => chat.IdempotencyKey?.Key!).ToArray(),
            Hashes = chats.Select(chat => chat.IdempotencyKey is { } key ? Convert.ToHexStringLower(key.BodyHash.Stored) : null!).ToArray(),
            Route = route,
            Parent = Guid.Empty,
            Now = now,
            forgotten = now - settings.KeyRetention,
        };
        return db.InTransactionAsync(
            async transaction =>
            {
                await organizationLog.Lock(transaction, chats[0].OrgId);
                return await transaction.QueryAsync<ExistingItem>(Store, parameters);
            },
            ct);
    }

    private const string Store =
        $"""
        with existing as (
            select n.no, n.key, n.body_sha256, c.id
            from unnest(@ExternalIds, @Keys, @Hashes) with ordinality as n(external_id, key, body_sha256, no)
            join chats c on c.org_id = @OrgId and c.external_id = n.external_id and c.deleted_at is null
        ), stored as (
            insert into idempotency_keys as known (org_id, route, parent_id, key, body_sha256, target_id, created_at, existed)
            select @OrgId, @Route, @Parent, e.key, decode(e.body_sha256, 'hex'), e.id, @Now, true
            from existing e
            where e.key is not null
            {BulkInsertKeys.OnConflict}
            returning key
        )
        select e.no::int, e.id
        from existing e
        where e.key is null
           or e.key in (select key from stored)
        """;
}
