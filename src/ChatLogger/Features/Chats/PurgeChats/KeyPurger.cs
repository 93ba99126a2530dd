using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Removes the Idempotency-Keys of deleted chats and of what was in them. Those of the chats themselves leave tombstones until they would
/// have expired; a repeated message finds no chat.
/// </summary>
internal sealed class KeyPurger(NpgsqlDataSource db, OrganizationLog organizationLog, OrganizationSecrets secrets, Tombstones tombstones)
{
    /// <summary>Removes a batch, and returns the number of rows.</summary>
    public async Task<int> Remove(Guid orgId, Guid[] chats, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, Chats = chats, IOrganizationPurger.BatchRows };
        return await RemoveOfMessages(piece, ct) + await RemoveOfChats(orgId, piece, ct);
    }

    // Every route whose keys are of a chat: the first column of the index is the route.
    private Task<int> RemoveOfMessages(object piece, CancellationToken ct) =>
        db.ExecuteAsync(
            DeleteBatch.Of(
                "idempotency_keys", "and route in ('messages', 'batch', 'batch-feedback') and parent_id = any(@Chats)"),
            piece,
            ct);

    // Under the lock of the log: a chat that is made at the same time finds either the key or the tombstone.
    private async Task<int> RemoveOfChats(Guid orgId, object piece, CancellationToken ct)
    {
        if (!await db.ReadSingleOrDefaultAsync<bool>(
                """
                select exists (
                    select
                    from idempotency_keys
                    where org_id = @OrgId
                      and parent_id = '00000000-0000-0000-0000-000000000000'
                      and target_id = any(@Chats)
                )
                """,
                piece,
                ct))
            return 0;
        var secret = await secrets.Of(orgId, ct);
        return await db.InTransactionAsync(
            async transaction =>
            {
                await organizationLog.Lock(transaction, orgId);
                var removed = await transaction.QueryAsync<Tombstones.ForgottenKey>(
                    """
                    delete from idempotency_keys
                    where org_id = @OrgId
                      and parent_id = '00000000-0000-0000-0000-000000000000'
                      and target_id = any(@Chats)
                    returning route, key, created_at
                    """,
                    piece);
                await tombstones.Add(transaction, orgId, secret, removed);
                return removed.Count;
            },
            ct);
    }
}
