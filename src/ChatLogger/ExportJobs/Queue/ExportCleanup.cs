using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Fails exports whose lease expired for good, expires old files, and deletes data that belongs to no valid file: chunks written under lost
/// leases, chunks of failed or cancelled exports, and expired files. It covers all organizations, works in small batches, and skips rows
/// that others have locked.
/// </summary>
internal sealed class ExportCleanup(NpgsqlDataSource db, IExportStore store, ExportMembership membership, ExportLeases leases)
{
    public async Task Run(CancellationToken ct)
    {
        await leases.FailExpired(ct);
        await ExpireOutdated(ct);
        await Expire(ct);
        Exception? failure = null;
        var last = Guid.Empty;
        while (await Leftovers(last, ct) is { Count: > 0 } found)
        {
            foreach (var leftover in found)
            {
                try
                {
                    await store.Delete(leftover.OrgId, leftover.ExportId, leftover.Keep, ct);
                    await membership.Delete(leftover.OrgId, leftover.ExportId, leftover.Keep, ct);
                    await CleanedUp(leftover, ct);
                }
                // A file that cannot be removed must not block the cleanup of the others.
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
                {
                    failure = exception;
                }
            }
            last = found[^1].ExportId;
        }
        if (failure is not null)
            throw new IOException("A file could not be removed; it is tried again.", failure);
    }

    private Task<int> ExpireOutdated(CancellationToken ct) =>
        db.ExecuteAsync(
            """
            update exports
            set expires_at = date_trunc('milliseconds', now())
            where outdated
              and state = 'done'
              and expires_at > now()
            """,
            new { },
            ct);

    private Task<int> Expire(CancellationToken ct) =>
        db.ExecuteAsync(
            """
            update exports
            set state = 'expired', leftovers = true
            where id in (
                select id
                from exports
                where state = 'done'
                  and expires_at <= now()
                order by expires_at
                limit 100
                for no key update skip locked
            )
            """,
            new { },
            ct);

    private Task<IReadOnlyList<Leftover>> Leftovers(Guid after, CancellationToken ct) =>
        db.ReadAsync<Leftover>(
            """
            select org_id, id as export_id, fence, state
            from exports
            where leftovers
              and id > @After
            order by id
            limit 100
            """,
            new { After = after },
            ct);

    // The row is marked as cleaned up only if it has not changed since it was read. If it has, there may be more data to delete.
    private Task<int> CleanedUp(Leftover leftover, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            update exports
            set leftovers = false
            where org_id = @OrgId
              and id = @ExportId
              and fence = @Fence
              and state = @State
            """,
            leftover,
            ct);

    private sealed record Leftover(Guid OrgId, Guid ExportId, long Fence, string State)
    {
        /// <summary>
        /// The fence whose data must be kept: that of the last lease of an export that is running or done. Null: all data is deleted.
        /// </summary>
        public long? Keep => State is ExportState.Running or ExportState.Done ? Fence : null;
    }
}
