using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Purges the erasures and tombstones of a deleted organization.</summary>
internal sealed class ErasurePurger(NpgsqlDataSource db) : IOrganizationPurger
{
    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, IOrganizationPurger.BatchRows };
        return await db.ExecuteAsync(DeleteBatch.Of("erased_ids", "order by erasure_id, kind, id"), piece, ct) > 0
            || await db.ExecuteAsync(DeleteBatch.Of("tombstones", "order by hmac"), piece, ct) > 0
            || await db.ExecuteAsync("delete from erasures where org_id = @OrgId", piece, ct) > 0;
    }
}
