using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>The API's side of the queue of exports. The workers' side is <see cref="ExportLeases"/>.</summary>
internal sealed partial class ExportQueue(
    NpgsqlDataSource db, IdGenerator ids, ExportSettings settings, IdempotencyKeyStore keys, AuditLog audit, Engine engine,
    DatabaseSettings database)
{
    // The route that Idempotency-Keys of exports are stored under.
    private const string Route = "exports";

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>Wakes the worker of this instance because there may be an export to claim.</summary>
    public WakeSignal Claims { get; } = new();

    /// <summary>Wakes <see cref="ExportCleanup"/> of this instance because something waits for files to be removed.</summary>
    public WakeSignal Cleanup { get; } = new();

    private async Task<EnqueuedExport> Enqueue(
        ExportRequest request,
        Guid requestedBy,
        string timeZone,
        Actor actor,
        Idempotency? idempotencyKey,
        Guid id,
        DateTimeOffset now,
        CancellationToken ct)
    {
        var (known, export) = await db.InTransactionAsync(
            async transaction =>
            {
                if (idempotencyKey is not null && await keys.Insert(transaction, request.OrgId, Route, idempotencyKey, id) is { } before)
                    return (before, null);
                // The lock is taken in a statement of its own, so that the snapshot of the next one, which counts, includes the exports
                // that concurrent requests have committed.
                await transaction.ExecuteAsync("select from organizations where id = @OrgId for no key update", request);
                // Another request with this Idempotency-Key has the same id, where keys are on other nodes than exports.
                if (
                    engine.IsDistributed
                    && await transaction.QuerySingleOrDefaultAsync<bool>(
                        "select exists (select from exports where org_id = @OrgId and id = @Id)", new { request.OrgId, Id = id }))
                    return (id, null);
                var counts = await transaction.QuerySingleOrDefaultAsync<QueueCounts>(
                    """
                    select
                        (select count(*) from exports where org_id = @OrgId and state = 'queued') as queued,
                        -- The one that has to be an hour old before there may be another.
                        (
                            select created_at
                            from exports
                            where org_id = @OrgId
                              and created_at > @HourAgo
                            order by created_at desc
                            offset @PerHour - 1
                            limit 1
                        ) as oldest
                    """,
                    new { request.OrgId, HourAgo = now - Hour, settings.PerHour });
                if (counts!.Queued >= settings.Queued)
                    throw ProblemException.ExportQueueFull(settings.Queued);
                if (counts.Oldest is { } oldest)
                    throw ProblemException.Throttled(
                        $"An organization may ask for {settings.PerHour} exports an hour.",
                        oldest + Hour - now);

                var accepted = await transaction.QuerySingleOrDefaultAsync<Export>(
                    $"""
                    insert into exports (
                        id, org_id, requested_by, state, format, layout, time_zone, from_at, to_at, tags, user_id, external_user_id, q,
                        model, rating, bom, local_times, created_at, next_attempt_at
                    )
                    values (
                        @Id, @OrgId, @RequestedBy, 'queued', @Format, @Layout, @TimeZone, @From, @To, @Tags, @UserId, @ExternalUserId, @Q,
                        @Model, @Rating, @Bom, @LocalTimes, @Now, now()
                    )
                    returning {Columns}
                    """,
                    new
                    {
                        Id = id,
                        request.OrgId,
                        RequestedBy = requestedBy,
                        request.Format,
                        request.Layout,
                        TimeZone = timeZone,
                        request.From,
                        request.To,
                        request.Tags,
                        request.UserId,
                        request.ExternalUserId,
                        request.Q,
                        request.Model,
                        request.Rating,
                        request.Bom,
                        LocalTimes = request.LocalTimes is not null,
                        Now = now,
                    });
                await audit.Write(transaction, AuditEvent.OfExport(request.OrgId, actor, AuditAction.ExportRequested, id));
                return ((Guid?)null, accepted);
            },
            ct);
        if (known is { } earlier)
            return await Again(request.OrgId, earlier, ct);
        Claims.Wake();
        return new(export!, Replayed: false);
    }

    /// <summary>Null: the organization has no such export.</summary>
    public Task<Export?> Get(Guid orgId, Guid id, CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<Export>(
            $"select {Columns} from exports where org_id = @OrgId and id = @Id",
            new { OrgId = orgId, Id = id },
            ct);

    /// <summary>Lists exports, newest first, after the given keyset position.</summary>
    public Task<IReadOnlyList<Export>> List(Guid orgId, (DateTimeOffset Time, Guid Id)? after, int rows, CancellationToken ct) =>
        db.ReadAsync<Export>(
            $"""
            select {Columns}
            from exports
            where org_id = @OrgId
              {(after is null ? "" : "and (created_at, id) < (@AfterTime, @AfterId)")}
            order by created_at desc, id desc
            limit @Rows
            """,
            new { OrgId = orgId, AfterTime = after?.Time, AfterId = after?.Id, Rows = rows },
            ct);

    /// <summary>
    /// The stored file of a finished export. Null: it has expired. Outdated: the file contains a chat that was deleted after it was
    /// written. This method queries deleted chats before it reads the mark on the export: if a purge removes such a chat in between, it has
    /// marked the export by then.
    /// </summary>
    public async Task<StoredExport?> Stored(Guid orgId, Guid id, CancellationToken ct)
    {
        var deleted = await db.ReadAsync<Guid>(
            """
            select id
            from chats
            where org_id = @OrgId
              and deleted_at is not null
            union all
            select changed_chat_id
            from outbox
            where org_id = @OrgId
              and changed_chat_id is not null
            """,
            new { OrgId = orgId },
            ct);
        return await db.ReadSingleOrDefaultAsync<StoredExport>(
            $"""
            select e.org_id, e.id as export_id, e.fence, e.bytes, encode(e.sha256, 'hex') as sha256,
                   e.outdated or {ExportMembership.HoldsAnyOf("@Deleted")} as is_outdated
            from exports e
            where e.org_id = @OrgId
              and e.id = @Id
              and (e.outdated or e.state = 'done' and e.expires_at > now())
            """,
            new { OrgId = orgId, Id = id, Deleted = deleted.ToArray() },
            ct);
    }

    /// <summary>
    /// Cancels a queued or running export at once, and expires the file of a finished one. A worker that runs the export notices at its
    /// next write or lease renewal. An export that has ended otherwise stays unchanged. False: the organization has no such export.
    /// </summary>
    public async Task<bool> Cancel(Guid orgId, Guid id, Actor actor, CancellationToken ct)
    {
        var ended = await db.InTransactionAsync(
            async transaction =>
            {
                var ended = await transaction.ExecuteAsync(
                    """
                    update exports
                    set state = case state when 'done' then 'expired' else 'cancelled' end,
                        finished_at = coalesce(finished_at, date_trunc('milliseconds', now())),
                        expires_at = case state when 'done' then date_trunc('milliseconds', now()) end,
                        lease_until = null,
                        slot = null,
                        leftovers = leftovers or state <> 'queued'
                    where org_id = @OrgId
                      and id = @Id
                      and state in ('queued', 'running', 'done')
                    """,
                    new { OrgId = orgId, Id = id });
                if (ended > 0)
                    await audit.Write(transaction, AuditEvent.OfExport(orgId, actor, AuditAction.ExportCancelled, id));
                return ended;
            },
            ct);
        // This frees a slot for the next export of the organization.
        Claims.Wake();
        return ended > 0 || await Get(orgId, id, ct) is not null;
    }

    private const string Columns =
        """
        id, state, format, layout, rows, total_rows, bytes, encode(sha256, 'hex') as sha256, skipped, reason, requested_by,
        created_at, finished_at, expires_at
        """;

    private sealed record QueueCounts(long Queued, DateTimeOffset? Oldest);
}

/// <summary>An export that is queued: just now, or earlier by the same request with the same Idempotency-Key.</summary>
internal sealed record EnqueuedExport(Export Export, bool Replayed);
