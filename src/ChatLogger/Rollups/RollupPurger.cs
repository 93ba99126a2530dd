using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Rollups;

/// <summary>Purges the rollups of a deleted organization.</summary>
internal sealed class RollupPurger(NpgsqlDataSource db) : IOrganizationPurger
{
    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, IOrganizationPurger.BatchRows };
        return await db.ExecuteAsync(DeleteBatch.Of("chat_quarters", "order by chat_id, start"), piece, ct) > 0
            || await db.ExecuteAsync(DeleteBatch.Of("chat_sums", "order by chat_id"), piece, ct) > 0
            || await db.ExecuteAsync(DeleteBatch.Of("rollups", "order by tag, tier, start, first"), piece, ct) > 0
            || await db.ExecuteAsync(DeleteBatch.Of("rollup_names", "order by no"), piece, ct) > 0
            || await db.ExecuteAsync(DeleteBatch.Of("feedback_replaced", "order by until_seq"), piece, ct) > 0;
    }
}
