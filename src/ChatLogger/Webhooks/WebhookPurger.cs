using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Webhooks;

/// <summary>Purges the webhooks of a deleted organization with their deliveries, and the deliveries of deleted chats.</summary>
internal sealed class WebhookPurger(NpgsqlDataSource db) : IOrganizationPurger
{
    public Task Deactivate(Sql.Transaction transaction, Guid orgId) =>
        transaction.ExecuteAsync("update webhooks set state = 'paused' where org_id = @OrgId", new { OrgId = orgId });

    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, IOrganizationPurger.BatchRows };
        return await db.ExecuteAsync(DeleteBatch.Of("webhook_deliveries", "order by id"), piece, ct) > 0
            || await db.ExecuteAsync(DeleteBatch.Of("webhook_idle", "order by webhook_id, chat_id"), piece, ct) > 0
            || await db.ExecuteAsync("delete from webhook_offsets where org_id = @OrgId", piece, ct) > 0
            || await db.ExecuteAsync("delete from webhooks where org_id = @OrgId", piece, ct) > 0
            || await db.ReadSingleOrDefaultAsync<bool>(
                "select exists (select from webhook_deliveries where org_id = @OrgId)", piece, ct);
    }

    /// <summary>Removes a batch of what there is of chats that are deleted or erased, and returns the number of rows.</summary>
    public async Task<int> Remove(Guid orgId, Guid[] chats, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, Chats = chats, IOrganizationPurger.BatchRows };
        var deliveries = await db.ExecuteAsync(DeleteBatch.Of("webhook_deliveries", "and chat_id = any(@Chats)"), piece, ct);
        return deliveries
            + await db.ExecuteAsync("delete from webhook_idle where org_id = @OrgId and chat_id = any(@Chats)", piece, ct);
    }
}
