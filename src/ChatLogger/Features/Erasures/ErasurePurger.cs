using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Purges the erasures and tombstones of a deleted organization.</summary>
internal sealed class ErasurePurger(NpgsqlDataSource db) : IOrganizationPurger
{
    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, IOrganizationPurger.BatchRows };
        return await db.ExecuteAsync(
                """
                delete from erased_ids
                where org_id = @OrgId
                  and (erasure_id, kind, id) in (
                      select erasure_id, kind, id
                      from erased_ids
                      where org_id = @OrgId
                      order by erasure_id, kind, id
                      limit @BatchRows
                      for update skip locked
                  )
                """,
                piece,
                ct) > 0
            || await db.ExecuteAsync(
                """
                delete from tombstones
                where org_id = @OrgId
                  and hmac in (
                      select hmac from tombstones where org_id = @OrgId order by hmac limit @BatchRows for update skip locked
                  )
                """,
                piece,
                ct) > 0
            || await db.ExecuteAsync("delete from erasures where org_id = @OrgId", piece, ct) > 0;
    }
}
