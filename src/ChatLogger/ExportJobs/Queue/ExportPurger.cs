using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>
/// The exports of an organization that is deleted, with their files. Once they are ended none of them runs, and none is begun: see
/// <see cref="ExportLeases.Claim"/>.
/// </summary>
internal sealed class ExportPurger(NpgsqlDataSource db, IExportStore store, ExportMembership membership) : IOrganizationPurger
{
    // A file can be large, and is removed in pieces itself.
    private const int BatchExports = 10;

    // A worker that is at one finds out when it next writes or is next heard of.
    public Task Deactivate(Sql.Transaction transaction, Guid orgId) =>
        transaction.ExecuteAsync(
            """
            update exports
            set state = case state when 'done' then 'expired' else 'cancelled' end,
                finished_at = coalesce(finished_at, date_trunc('milliseconds', now())),
                expires_at = case state when 'done' then date_trunc('milliseconds', now()) end,
                lease_until = null,
                slot = null,
                leftovers = leftovers or state <> 'queued'
            where org_id = @OrgId
              and state in ('queued', 'running', 'done')
            """,
            new { OrgId = orgId });

    // Removing what another instance has removed already is no harm.
    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var exports = await db.QueryAsync<Guid>(
            """
            select id
            from exports
            where org_id = @OrgId
            order by id
            limit @BatchExports
            """,
            new { OrgId = orgId, BatchExports },
            ct);
        foreach (var exportId in exports)
        {
            await store.Delete(orgId, exportId, keep: null, ct);
            await membership.Delete(orgId, exportId, keep: null, ct);
            await db.ExecuteAsync("delete from exports where org_id = @OrgId and id = @ExportId", new { OrgId = orgId, ExportId = exportId }, ct);
        }
        return exports.Count > 0;
    }
}
