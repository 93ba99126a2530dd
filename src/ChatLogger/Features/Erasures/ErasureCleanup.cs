using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Removes the lists of what old erasures have removed, and tombstones that have expired.</summary>
internal sealed partial class ErasureCleanup(NpgsqlDataSource db, TimeProvider time, ILogger<ErasureCleanup> log)
    : PeriodicJob(TimeSpan.FromMinutes(10))
{
    /// <summary>For how long the list of what an erasure has removed can be downloaded.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(30);

    private const int Rows = 1_000;

    public override async Task Run(CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var organizations = await db.ReadAsync<Guid>(
            """
            select l.org_id
            from organization_log l
            where exists (select from tombstones t where t.org_id = l.org_id and t.expires_at <= @Now)
               or exists (
                   select
                   from erasures e
                   where e.org_id = l.org_id
                     and e.finished_at <= @Old
                     and exists (select from erased_ids i where i.org_id = e.org_id and i.erasure_id = e.id)
               )
            """,
            new { Now = now, Old = now - Retention },
            ct);
        foreach (var orgId in organizations)
        {
            while (await RemoveTombstones(orgId, now, ct) + await RemoveIds(orgId, now - Retention, ct) > 0)
            {
            }
        }
    }

    public override void Failed(Exception failure) => CannotCleanUp(log, failure.GetType().Name);

    private Task<int> RemoveTombstones(Guid orgId, DateTimeOffset now, CancellationToken ct) =>
        db.ExecuteAsync(
            DeleteBatch.Of("tombstones", "and expires_at <= @Now order by expires_at", "@Rows"),
            new { OrgId = orgId, Now = now, Rows },
            ct);

    private Task<int> RemoveIds(Guid orgId, DateTimeOffset old, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            delete from erased_ids
            where org_id = @OrgId
              and ctid = any(array(
                  select i.ctid
                  from erasures e
                  join erased_ids i on i.org_id = @OrgId and i.erasure_id = e.id
                  where e.org_id = @OrgId
                    and e.finished_at <= @Old
                  limit @Rows
              ))
            """,
            new { OrgId = orgId, Old = old, Rows },
            ct);

    [LoggerMessage(LogLevel.Warning, "What old erasures have left could not be removed: {Exception}")]
    private static partial void CannotCleanUp(ILogger log, string exception);
}
