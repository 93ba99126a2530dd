using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ExportJobs;

// How a worker gets the lease of the next export.
internal sealed partial class ExportLeases
{
    /// <summary>
    /// Claims the next export: the oldest one of the organization with the fewest running exports. A running export whose lease has expired
    /// can be claimed too. Null: there is nothing to claim.
    /// </summary>
    public async Task<ExportLease?> Claim(CancellationToken ct)
    {
        for (var attempt = 0; attempt < 5; attempt++)
        {
            try
            {
                var row = await db.QuerySingleOrDefaultAsync<ClaimedRow>(
                    """
                    with next as materialized (
                        select waiting.id, coalesce(waiting.slot, free.slot) as slot
                        from exports waiting
                        cross join lateral (
                            select count(*) as running
                            from exports other
                            where other.org_id = waiting.org_id
                              and other.slot is not null
                              and other.id <> waiting.id
                        ) busy
                        cross join lateral (
                            select min(place.slot) as slot
                            from generate_series(1, @Running) as place (slot)
                            where not exists (select from exports other where other.org_id = waiting.org_id and other.slot = place.slot)
                        ) free
                        where exists (select from organizations where id = waiting.org_id and deleted_at is null)
                          and (
                            waiting.state = 'queued' and waiting.next_attempt_at <= now() and free.slot is not null
                            or waiting.state = 'running' and waiting.lease_until <= now()
                                and waiting.attempts < @Attempts and waiting.lease_until < waiting.started_at + @HardLimit
                        )
                        order by busy.running, waiting.created_at, waiting.id
                        limit 1
                        for no key update of waiting skip locked
                    )
                    update exports
                    set state = 'running',
                        slot = next.slot,
                        fence = fence + 1,
                        attempts = attempts + 1,
                        rows = 0,
                        removed_chats = '{}',
                        total_rows = null,
                        started_at = coalesce(started_at + (now() - coalesce(lease_until, next_attempt_at)), now()),
                        lease_until = now() + @Lease,
                        leftovers = leftovers or state = 'running'
                    from next
                    where exports.id = next.id
                    returning
                        exports.id, org_id, fence, attempts, started_at + @HardLimit - now() as time_left,
                        format, layout, from_at, to_at, tags, user_id, external_user_id, q, model, rating, bom,
                        case when local_times then time_zone end as local_times
                    """,
                    settings,
                    ct);
                return row?.ToLease();
            }
            // Another worker claimed the last free slot of the organization at the same time.
            catch (PostgresException taken) when (taken.ConstraintName == "exports_org_id_slot_key")
            {
            }
        }
        return null;
    }

    private sealed record ClaimedRow(
        Guid Id,
        Guid OrgId,
        long Fence,
        int Attempts,
        TimeSpan TimeLeft,
        string Format,
        string? Layout,
        DateTimeOffset? FromAt,
        DateTimeOffset? ToAt,
        string[] Tags,
        Guid? UserId,
        string? ExternalUserId,
        string? Q,
        string? Model,
        string? Rating,
        bool Bom,
        string? LocalTimes)
    {
        public ExportLease ToLease() =>
            new(
                Id,
                OrgId,
                Fence,
                Attempts,
                TimeLeft,
                new ExportRequest(OrgId, Format, Layout, FromAt, ToAt, Tags, UserId, ExternalUserId, Q, Bom, LocalTimes)
                {
                    Model = Model,
                    Rating = Rating,
                });
    }
}
