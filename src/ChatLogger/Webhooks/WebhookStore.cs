using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Webhooks;

/// <summary>
/// What those who deliver ask the database for. They use few connections at a time, however many webhooks there are: the pool is that of
/// members' requests.
/// </summary>
internal sealed partial class WebhookStore(NpgsqlDataSource db, WebhookSettings settings, TimeProvider time, AuditLog audit) : IDisposable
{
    private const int Connections = 4;

    // The service itself, which acts without a request.
    private static readonly Actor Self = Actor.Service("webhooks");

    private readonly SemaphoreSlim _connections = new(Connections);

    public void Dispose() => _connections.Dispose();

    /// <summary>The webhooks of all organizations that are delivered to.</summary>
    public Task<IReadOnlyList<ActiveWebhook>> Active(CancellationToken ct) => Limited(
        () => db.ReadAsync<ActiveWebhook>(
            """
            select w.org_id, w.id, w.events
            from webhooks w
            join organizations o on o.id = w.org_id
            where w.state = 'active'
              and o.deleted_at is null
            """,
            new { },
            ct),
        ct);

    /// <summary>The webhooks for which there is something to do, whichever instance wrote it, paused ones too.</summary>
    public Task<IReadOnlyList<WebhookPlace>> Lagging(CancellationToken ct) => Limited(
        () => db.ReadAsync<WebhookPlace>(
            $"""
            select p.org_id, p.webhook_id
            from organization_log l
            join webhook_offsets p on p.org_id = l.org_id
            where l.closed_at is null
              and (p.due_at <= @Now or {OrganizationLog.Head} > p.seq)
            """,
            new { Now = time.GetUtcNow() },
            ct),
        ct);

    /// <summary>The webhook as it is now; null: it is paused or deleted, or its organization is.</summary>
    public Task<WebhookTarget?> Find(Guid orgId, Guid webhookId, CancellationToken ct) => Limited(
        () => db.ReadSingleOrDefaultAsync<WebhookTarget>(
            """
            select w.org_id, w.id, w.url, w.events, w.with_content, w.idle_minutes, w.secret, w.previous_secret, w.previous_until,
                   w.failing_since
            from webhooks w
            join organizations o on o.id = w.org_id
            where w.org_id = @OrgId
              and w.id = @WebhookId
              and w.state = 'active'
              and o.deleted_at is null
            """,
            new { OrgId = orgId, WebhookId = webhookId },
            ct),
        ct);

    /// <summary>Begins to follow the log with what is committed from now on. A webhook that follows it already goes on.</summary>
    public Task Follow(Guid orgId, Guid webhookId, CancellationToken ct) => Limited(
        () => db.ExecuteAsync(
            $"""
            insert into webhook_offsets (org_id, webhook_id, seq, jobs_from, jobs_at)
            select l.org_id, @WebhookId, coalesce({OrganizationLog.Head}, 0), now(), now()
            from organization_log l
            where l.org_id = @OrgId
              and l.closed_at is null
            on conflict (org_id, webhook_id) do nothing
            """,
            new { OrgId = orgId, WebhookId = webhookId },
            ct),
        ct);

    /// <summary>Acquires the lease; null: another instance has it.</summary>
    public async Task<WebhookLease?> Acquire(Guid orgId, Guid webhookId, CancellationToken ct)
    {
        if (await TryAcquire(orgId, webhookId, ct) is { } lease)
            return lease;
        // The service was killed before a new webhook followed the log.
        await Follow(orgId, webhookId, ct);
        return await TryAcquire(orgId, webhookId, ct);
    }

    /// <summary>Renews the lease. False: it is lost.</summary>
    public async Task<bool> Renew(WebhookLease lease, CancellationToken ct) => await Limited(
        () => db.ExecuteAsync(
            """
            update webhook_offsets
            set lease_until = now() + @Lease
            where org_id = @OrgId
              and webhook_id = @WebhookId
              and fence = @Fence
              and lease_until is not null
            """,
            new { lease.OrgId, lease.WebhookId, lease.Fence, settings.Lease },
            ct),
        ct) > 0;

    /// <summary>Releases the lease, and stores when there is something to do: at <paramref name="next"/>, or when a chat is idle.</summary>
    public Task Release(WebhookLease lease, DateTimeOffset? next, CancellationToken ct) => Limited(
        () => db.ExecuteAsync(
            """
            update webhook_offsets
            set lease_until = null,
                due_at = least(@Next, (select min(due_at) from webhook_idle where org_id = @OrgId and webhook_id = @WebhookId))
            where org_id = @OrgId
              and webhook_id = @WebhookId
              and fence = @Fence
            """,
            new { lease.OrgId, lease.WebhookId, lease.Fence, Next = next },
            ct),
        ct);

    /// <summary>Stores how many rounds have failed, one after the other, and until when there is no other.</summary>
    public Task Hold(WebhookLease lease, CancellationToken ct) => Limited(
        () => db.ExecuteAsync(
            """
            update webhook_offsets
            set failures = @Failures, retry_at = @RetryAt
            where org_id = @OrgId
              and webhook_id = @WebhookId
              and fence = @Fence
            """,
            lease,
            ct),
        ct);

    /// <summary>Stores since when deliveries fail; null: one has succeeded.</summary>
    public Task SetFailing(WebhookTarget webhook, DateTimeOffset? since, CancellationToken ct) => Limited(
        () => db.ExecuteAsync(
            """
            update webhooks
            set failing_since = @Since
            where org_id = @OrgId
              and id = @Id
              and state = 'active'
            """,
            new { webhook.OrgId, webhook.Id, Since = since },
            ct),
        ct);

    /// <summary>Pauses a webhook that fails, and records it. False: it is not active any more.</summary>
    public Task<bool> Pause(WebhookTarget webhook, CancellationToken ct) => Limited(
        () => db.InTransactionAsync(
            async transaction =>
            {
                var paused = await transaction.ExecuteAsync(
                    """
                    update webhooks
                    set state = 'paused'
                    where org_id = @OrgId
                      and id = @Id
                      and state = 'active'
                    """,
                    new { webhook.OrgId, webhook.Id }) > 0;
                if (paused)
                    await audit.Write(transaction, AuditEvent.OfWebhook(webhook.OrgId, Self, AuditAction.WebhookPaused, webhook.Id));
                return paused;
            },
            ct),
        ct);

    private Task<WebhookLease?> TryAcquire(Guid orgId, Guid webhookId, CancellationToken ct) => Limited(
        () => db.QuerySingleOrDefaultAsync<WebhookLease>(
            """
            update webhook_offsets
            set fence = fence + 1, lease_until = now() + @Lease
            where org_id = @OrgId
              and webhook_id = @WebhookId
              and (lease_until is null or lease_until <= now())
            returning org_id, webhook_id, fence, failures, retry_at
            """,
            new { OrgId = orgId, WebhookId = webhookId, settings.Lease },
            ct),
        ct);

    /// <summary>Runs work that needs a connection when one of the few is free.</summary>
    public async Task<T> Limited<T>(Func<Task<T>> work, CancellationToken ct)
    {
        await _connections.WaitAsync(ct);
        try
        {
            return await work();
        }
        finally
        {
            _connections.Release();
        }
    }
}

/// <summary>A webhook that is delivered to, and the events that it asks for.</summary>
internal sealed record ActiveWebhook(Guid OrgId, Guid Id, string[] Events);

/// <summary>A webhook of an organization.</summary>
internal sealed record WebhookPlace(Guid OrgId, Guid WebhookId);
