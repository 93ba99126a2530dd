using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Purges the exports of a deleted organization with their files. After <see cref="Deactivate"/> has ended them, none of them can be
/// claimed again: see <see cref="ExportLeases.Claim"/>.
/// </summary>
internal sealed class ExportPurger(NpgsqlDataSource db, IExportStore store, ExportMembership membership) : IOrganizationPurger
{
    // Small, because a file can be large and takes several statements to delete.
    private const int BatchExports = 10;

    // A worker that still writes one of them notices at its next write or lease renewal.
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

    // Several instances may purge the same organization at the same time: deletion is idempotent.
    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var exports = await db.ReadAsync<Guid>(
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
            await db.ExecuteAsync(
                "delete from exports where org_id = @OrgId and id = @ExportId",
                new { OrgId = orgId, ExportId = exportId },
                ct);
        }
        return exports.Count > 0;
    }
}
