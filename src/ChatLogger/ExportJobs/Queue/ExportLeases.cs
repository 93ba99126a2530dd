using System.Globalization;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>
/// The workers' side of the queue of exports. All times come from the clock of the database, so a wrong clock of an instance has no effect.
/// Each change names the fence of its lease, so a worker whose lease has expired but that is still running cannot change anything. A claim
/// considers all organizations.
/// </summary>
internal sealed partial class ExportLeases(NpgsqlDataSource db, ExportSettings settings)
{
    private static readonly TimeSpan[] RetryDelays =
    [
        TimeSpan.FromSeconds(1),
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(2),
    ];

    /// <summary>Renews the lease and stores the progress of the file.</summary>
    public async Task<LeaseState> Renew(ExportLease lease, long rows, long? totalRows, CancellationToken ct) =>
        await db.QuerySingleOrDefaultAsync<string>(
            """
            with held as (
                update exports
                set lease_until = now() + @Lease, rows = @Rows, total_rows = @TotalRows
                where org_id = @OrgId
                  and id = @ExportId
                  and fence = @Fence
                  and state = 'running'
                returning id
            )
            select case when exists (select from held) then 'held' else state end
            from exports
            where org_id = @OrgId
              and id = @ExportId
            """,
            new { lease.OrgId, lease.ExportId, lease.Fence, settings.Lease, Rows = rows, TotalRows = totalRows },
            ct) switch
        {
            "held" => LeaseState.Held,
            ExportState.Cancelled => LeaseState.Cancelled,
            _ => LeaseState.Lost,
        };

    /// <summary>
    /// Ends the export as done; its file must be stored completely. False: the lease was lost, and no export refers to this file.
    /// </summary>
    public async Task<bool> Complete(ExportLease lease, long rows, long skipped, long bytes, byte[] sha256, CancellationToken ct) =>
        await db.ExecuteAsync(
            $"""
            update exports e
            set state = 'done',
                rows = @Rows,
                total_rows = @Rows,
                bytes = @Bytes,
                sha256 = @Sha256,
                skipped = @Skipped,
                outdated = {ExportMembership.HoldsAnyOf("e.removed_chats")},
                removed_chats = default,
                finished_at = date_trunc('milliseconds', now()),
                expires_at = date_trunc('milliseconds', now()) + @KeepFor,
                lease_until = null,
                slot = null
            where org_id = @OrgId
              and id = @ExportId
              and fence = @Fence
              and state = 'running'
            """,
            new
            {
                lease.OrgId,
                lease.ExportId,
                lease.Fence,
                Rows = rows,
                Skipped = skipped,
                Bytes = bytes,
                Sha256 = sha256,
                settings.KeepFor,
            },
            ct
        ) > 0;

    /// <summary>
    /// Requeues the export after a failure that may be transient. After the last attempt, or past the hard limit, it fails for good.
    /// </summary>
    public Task<bool> Retry(ExportLease lease, CancellationToken ct) =>
        lease.Attempt >= settings.Attempts
            ? Fail(lease, AttemptsExhausted, ct)
            : LeaveQueued(lease, RetryDelays[Math.Min(lease.Attempt, RetryDelays.Length) - 1], attempts: lease.Attempt, ct);

    /// <summary>Ends the export as failed without another attempt. The caller of the API sees the reason.</summary>
    public async Task<bool> Fail(ExportLease lease, string reason, CancellationToken ct) =>
        await db.ExecuteAsync(
            """
            update exports
            set state = 'failed',
                reason = @Reason,
                finished_at = date_trunc('milliseconds', now()),
                lease_until = null,
                slot = null,
                leftovers = true
            where org_id = @OrgId
              and id = @ExportId
              and fence = @Fence
              and state = 'running'
            """,
            new { lease.OrgId, lease.ExportId, lease.Fence, Reason = reason },
            ct) > 0;

    /// <summary>Ends the export as failed because all its attempts together exceeded the hard limit.</summary>
    public Task<bool> FailAtHardLimit(ExportLease lease, CancellationToken ct) => Fail(lease, TooLong, ct);

    /// <summary>
    /// Releases the lease because this instance shuts down. The export is queued again, and this attempt does not count.
    /// </summary>
    public Task<bool> Release(ExportLease lease, CancellationToken ct) =>
        LeaveQueued(lease, TimeSpan.Zero, attempts: lease.Attempt - 1, ct);

    /// <summary>
    /// Fails the exports whose lease expired and that may not be retried: it was the last attempt, or the hard limit is exceeded.
    /// </summary>
    public Task<int> FailExpired(CancellationToken ct) =>
        db.ExecuteAsync(
            """
            update exports
            set state = 'failed',
                reason = case when attempts >= @Attempts then @AttemptsExhausted else @TooLong end,
                finished_at = date_trunc('milliseconds', now()),
                lease_until = null,
                slot = null,
                leftovers = true
            where id in (
                select id
                from exports
                where state = 'running'
                  and lease_until <= now()
                  and (attempts >= @Attempts or lease_until >= started_at + @HardLimit)
                for no key update skip locked
            )
            """,
            new { settings.Attempts, settings.HardLimit, AttemptsExhausted, TooLong },
            ct);

    private string AttemptsExhausted => $"It could not be written in {settings.Attempts} attempts.";

    private string TooLong =>
        string.Create(CultureInfo.InvariantCulture, $"It took longer than {settings.HardLimit.TotalMinutes:0.##} minutes.");

    // Past the hard limit the export fails instead of being queued again.
    private async Task<bool> LeaveQueued(ExportLease lease, TimeSpan pause, int attempts, CancellationToken ct) =>
        await db.ExecuteAsync(
            """
            update exports
            set state = 'queued',
                attempts = @Attempts,
                next_attempt_at = now() + @Pause,
                lease_until = null,
                slot = null,
                leftovers = true
            where org_id = @OrgId
              and id = @ExportId
              and fence = @Fence
              and state = 'running'
              and started_at + @HardLimit > now()
            """,
            new { lease.OrgId, lease.ExportId, lease.Fence, Attempts = attempts, Pause = pause, settings.HardLimit },
            ct) > 0 || await FailAtHardLimit(lease, ct);
}
