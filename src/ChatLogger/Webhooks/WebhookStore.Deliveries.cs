using ChatLogger.Data;
using ChatLogger.Http;

namespace ChatLogger.Webhooks;

// Deliveries: what is to be sent, and what became of it.
internal sealed partial class WebhookStore
{
    /// <summary>The deliveries that are to be sent, in their order, whether they are due or not.</summary>
    public Task<IReadOnlyList<PendingDelivery>> Pending(WebhookLease lease, int most, CancellationToken ct) => Limited(
        () => db.ReadAsync<PendingDelivery>(
            """
            select id, event, chat_id, subject_id, happened_at, replayed, attempts, first_attempt_at, next_attempt_at
            from webhook_deliveries
            where org_id = @OrgId
              and webhook_id = @WebhookId
              and status = 'pending'
            order by seq, id
            limit @Most
            """,
            new { lease.OrgId, lease.WebhookId, Most = most },
            ct),
        ct);

    /// <summary>Stores what became of an attempt. It counts also if another instance has the lease by now, because it was made.</summary>
    /// <param name="orgId">The organization.</param>
    /// <param name="delivery">The delivery.</param>
    /// <param name="status">The new status.</param>
    /// <param name="result">What became of the attempt; null: there was none.</param>
    /// <param name="next">When there may be another attempt; null: there is none.</param>
    /// <param name="ct">Ends the work.</param>
    public Task Record(
        Guid orgId, PendingDelivery delivery, string status, DeliveryResult? result, DateTimeOffset? next, CancellationToken ct) => Limited(
        () => db.ExecuteAsync(
            """
            update webhook_deliveries
            set status = @Status,
                attempts = attempts + @Attempt,
                first_attempt_at = coalesce(first_attempt_at, @At),
                last_attempt_at = coalesce(@At, last_attempt_at),
                next_attempt_at = @Next,
                response_status = @ResponseStatus,
                error = @Error
            where org_id = @OrgId
              and id = @Id
              and status = 'pending'
            """,
            new
            {
                OrgId = orgId,
                delivery.Id,
                Status = status,
                Attempt = result is null ? 0 : 1,
                At = result is null ? (DateTimeOffset?)null : time.GetUtcNow(),
                Next = next,
                ResponseStatus = result?.Status,
                result?.Error,
            },
            ct),
        ct);

    /// <summary>Gives what waits for a webhook that is resumed the full time for attempts again, beginning now.</summary>
    public Task Restart(Guid orgId, Guid webhookId, CancellationToken ct) => Limited(
        async () =>
        {
            var place = new { OrgId = orgId, WebhookId = webhookId, Now = time.GetUtcNow() };
            await db.ExecuteAsync(
                """
                update webhook_deliveries
                set first_attempt_at = null, attempts = 0, next_attempt_at = @Now
                where org_id = @OrgId
                  and webhook_id = @WebhookId
                  and status = 'pending'
                """,
                place,
                ct);
            return await db.ExecuteAsync(
                """
                update webhook_offsets
                set failures = 0, retry_at = null, due_at = @Now
                where org_id = @OrgId
                  and webhook_id = @WebhookId
                """,
                place,
                ct);
        },
        ct);

    /// <exception cref="ProblemException">404: there is no such webhook; 409: it is paused.</exception>
    public async Task RequireActive(Guid orgId, Guid webhookId, CancellationToken ct)
    {
        var state = await db.ReadSingleOrDefaultAsync<string>(
            "select state from webhooks where org_id = @OrgId and id = @WebhookId", new { OrgId = orgId, WebhookId = webhookId }, ct);
        if (state is null)
            throw ProblemException.NotFound("No such webhook in this organization.");
        if (state != WebhookState.Active)
            throw ProblemException.WebhookPaused();
    }

    /// <summary>Adds a delivery that a member asks for, to try the webhook.</summary>
    public Task<Delivery?> AddTest(Guid orgId, Guid webhookId, Guid id, DateTimeOffset now, CancellationToken ct) => Limited(
        async () =>
        {
            var added = await db.QuerySingleOrDefaultAsync<Delivery>(
                $"""
                insert into webhook_deliveries (
                    org_id, id, webhook_id, event, seq, subject_id, happened_at, created_at, status, next_attempt_at, replayed
                )
                values (@OrgId, @Id, @WebhookId, @Test, 0, @Id, @Now, @Now, 'pending', @Now, true)
                returning {Delivery.Columns}
                """,
                new { OrgId = orgId, WebhookId = webhookId, Id = id, WebhookEvent.Test, Now = now },
                ct);
            await MakeDue(orgId, webhookId, now, ct);
            return added;
        },
        ct);

    /// <summary>Sends a delivery again, or at once; null: the organization has no such delivery.</summary>
    public Task<Delivery?> Replay(Guid orgId, Guid id, DateTimeOffset now, CancellationToken ct) => Limited(
        async () =>
        {
            var again = await db.QuerySingleOrDefaultAsync<Delivery>(
                $"""
                update webhook_deliveries
                set status = 'pending',
                    replayed = replayed or status <> 'pending',
                    attempts = 0,
                    first_attempt_at = null,
                    next_attempt_at = @Now
                where org_id = @OrgId
                  and id = @Id
                returning {Delivery.Columns}
                """,
                new { OrgId = orgId, Id = id, Now = now },
                ct);
            if (again is not null)
                await MakeDue(orgId, again.WebhookId, now, ct);
            return again;
        },
        ct);

    /// <summary>The webhook of a delivery; null: the organization has no such delivery.</summary>
    public Task<Guid?> WebhookOf(Guid orgId, Guid id, CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<Guid?>(
            "select webhook_id from webhook_deliveries where org_id = @OrgId and id = @Id", new { OrgId = orgId, Id = id }, ct);

    /// <summary>Lists the deliveries of a webhook, newest first, after the given keyset position.</summary>
    public Task<IReadOnlyList<Delivery>> List(
        Guid orgId, Guid webhookId, string? status, (DateTimeOffset Time, Guid Id)? after, int rows, CancellationToken ct) =>
        db.ReadAsync<Delivery>(
            $"""
            select {Delivery.Columns}
            from webhook_deliveries
            where org_id = @OrgId
              and webhook_id = @WebhookId
              {(status is null ? "" : "and status = @Status")}
              {(after is null ? "" : "and (created_at, id) < (@AfterTime, @AfterId)")}
            order by created_at desc, id desc
            limit @Rows
            """,
            new { OrgId = orgId, WebhookId = webhookId, Status = status, AfterTime = after?.Time, AfterId = after?.Id, Rows = rows },
            ct);

    // The instance that has the lease may have read the deliveries already, and would set a later time when it releases the lease; then it
    // is sent with the next one, or when the dispatcher of this instance, which is told, has the lease.
    private Task<int> MakeDue(Guid orgId, Guid webhookId, DateTimeOffset now, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            update webhook_offsets
            set due_at = least(due_at, @Now)
            where org_id = @OrgId
              and webhook_id = @WebhookId
            """,
            new { OrgId = orgId, WebhookId = webhookId, Now = now },
            ct);
}
