using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Rollups;

/// <summary>Purges the rollups of a deleted organization.</summary>
internal sealed class RollupPurger(NpgsqlDataSource db) : IOrganizationPurger
{
    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, IOrganizationPurger.BatchRows };
        return await db.ExecuteAsync(
                """
                delete from chat_quarters
                where org_id = @OrgId
                  and (chat_id, start) in (
                      select chat_id, start
                      from chat_quarters
                      where org_id = @OrgId
                      order by chat_id, start
                      limit @BatchRows
                      for update skip locked
                  )
                """,
                piece,
                ct) > 0
            || await db.ExecuteAsync(
                """
                delete from chat_sums
                where org_id = @OrgId
                  and chat_id in (
                      select chat_id from chat_sums where org_id = @OrgId order by chat_id limit @BatchRows for update skip locked
                  )
                """,
                piece,
                ct) > 0
            || await db.ExecuteAsync(
                """
                delete from rollups
                where org_id = @OrgId
                  and (tag, tier, start, first) in (
                      select tag, tier, start, first
                      from rollups
                      where org_id = @OrgId
                      order by tag, tier, start, first
                      limit @BatchRows
                      for update skip locked
                  )
                """,
                piece,
                ct) > 0
            || await db.ExecuteAsync(
                """
                delete from rollup_names
                where org_id = @OrgId
                  and no in (select no from rollup_names where org_id = @OrgId order by no limit @BatchRows for update skip locked)
                """,
                piece,
                ct) > 0
            || await db.ExecuteAsync(
                """
                delete from feedback_replaced
                where org_id = @OrgId
                  and until_seq in (
                      select until_seq
                      from feedback_replaced
                      where org_id = @OrgId
                      order by until_seq
                      limit @BatchRows
                      for update skip locked
                  )
                """,
                piece,
                ct) > 0;
    }
}
