using ChatLogger.Data;

namespace ChatLogger.ExportJobs;

// What exports hold of chats that are erased.
internal sealed partial class ExportQueue
{
    /// <summary>
    /// Whether an export that was asked for before is still to be written, or one of these still has its file: <see cref="Cleanup"/>
    /// removes an outdated one.
    /// </summary>
    public Task<bool> HasFiles(Guid orgId, DateTimeOffset before, Guid[] exports, CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<bool>(
            """
            select exists (
                select
                from exports
                where org_id = @OrgId
                  and (
                      state in ('queued', 'running') and created_at <= @Before
                      or id = any(@Exports) and (leftovers or state = 'done' and outdated)
                  )
            )
            """,
            new { OrgId = orgId, Before = before, Exports = exports },
            ct);

    /// <summary>
    /// Forgets the name of an end user, and what these exports were asked for with, in exports that have ended. Returns those whose files
    /// held none of the chats.
    /// </summary>
    public async Task<Guid[]> Forget(Guid orgId, string? externalUserId, Guid[] exports, CancellationToken ct)
    {
        await db.ExecuteAsync(
            """
            update exports
            set external_user_id = null,
                q = null
            where org_id = @OrgId
              and state not in ('queued', 'running')
              and (external_user_id is not null or q is not null)
              and (external_user_id = @ExternalUserId or q ilike @Name or (id = any(@Exports) and outdated))
            """,
            new
            {
                OrgId = orgId,
                ExternalUserId = externalUserId,
                Name = externalUserId is null
                    ? null
                    : $"%{externalUserId.Replace("\\", "\\\\").Replace("%", "\\%").Replace("_", "\\_")}%",
                Exports = exports,
            },
            ct);
        return
        [
            .. await db.ReadAsync<Guid>(
                "select id from exports where org_id = @OrgId and id = any(@Exports) and not outdated",
                new { OrgId = orgId, Exports = exports },
                ct),
        ];
    }
}
