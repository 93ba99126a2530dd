using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Ends what nobody works on and what had its time, and throws away what is part of no file: chunks of leases that were lost, of exports that
/// failed or were cancelled, of files whose time is over. For all organizations, in small pieces, past what others are at.
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
                // A file that cannot be removed is in nobody else's way.
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
        db.QueryAsync<Leftover>(
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

    // Unless something has happened since: then there may be more.
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
        /// <summary>While an export runs, and when it is done, what its last lease has written is no leftover.</summary>
        public long? Keep => State is ExportState.Running or ExportState.Done ? Fence : null;
    }
}
