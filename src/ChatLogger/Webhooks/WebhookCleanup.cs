using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Webhooks;

/// <summary>
/// Removes deliveries that are older than they are kept for, and everything of webhooks that are deleted, one organization at a time in
/// small batches; and encrypts secrets anew after the key was rotated.
/// </summary>
internal sealed partial class WebhookCleanup(
    NpgsqlDataSource db, WebhookSecrets secrets, WebhookSettings settings, TimeProvider time, ILogger<WebhookCleanup> log)
    : PeriodicJob(settings.CleanupInterval)
{
    private const int Rows = 500;

    public override async Task Run(CancellationToken ct)
    {
        await EncryptAnew(ct);
        var oldest = time.GetUtcNow() - settings.KeepFor;
        foreach (var orgId in await Organizations(oldest, ct))
        {
            while (await RemoveOld(orgId, oldest, ct) == Rows)
            {
            }
        }
        // A webhook exists before it has an offset, so one with an offset that is not there any more is deleted.
        var followed = await Followed(ct);
        foreach (var org in followed.GroupBy(place => place.OrgId))
        {
            var existing = await Existing(org.Key, ct);
            foreach (var place in org.Where(place => !existing.Contains(place.WebhookId)))
                await Remove(place, ct);
        }
    }

    public override void Failed(Exception failure) => CannotCleanUp(log, failure.GetType().Name);

    private Task<IReadOnlyList<Guid>> Organizations(DateTimeOffset oldest, CancellationToken ct) =>
        db.ReadAsync<Guid>(
            """
            select l.org_id
            from organization_log l
            where exists (select from webhook_deliveries d where d.org_id = l.org_id and d.created_at <= @Oldest)
            """,
            new { Oldest = oldest },
            ct);

    private Task<int> RemoveOld(Guid orgId, DateTimeOffset oldest, CancellationToken ct) =>
        db.ExecuteAsync(
            DeleteBatch.Of("webhook_deliveries", "and created_at <= @Oldest order by created_at", "@Rows"),
            new { OrgId = orgId, Oldest = oldest, Rows },
            ct);

    private Task<IReadOnlyList<WebhookPlace>> Followed(CancellationToken ct) =>
        db.ReadAsync<WebhookPlace>(
            """
            select p.org_id, p.webhook_id
            from organization_log l
            join webhook_offsets p on p.org_id = l.org_id
            """,
            new { },
            ct);

    private async Task<IReadOnlySet<Guid>> Existing(Guid orgId, CancellationToken ct) =>
        (await db.ReadAsync<Guid>("select id from webhooks where org_id = @OrgId", new { OrgId = orgId }, ct)).ToHashSet();

    private async Task Remove(WebhookPlace place, CancellationToken ct)
    {
        while (await db.ExecuteAsync(
            DeleteBatch.Of("webhook_deliveries", "and webhook_id = @WebhookId", "@Rows"),
            new { place.OrgId, place.WebhookId, Rows },
            ct) == Rows)
        {
        }
        await db.ExecuteAsync("delete from webhook_idle where org_id = @OrgId and webhook_id = @WebhookId", place, ct);
        await db.ExecuteAsync("delete from webhook_offsets where org_id = @OrgId and webhook_id = @WebhookId", place, ct);
    }

    private async Task EncryptAnew(CancellationToken ct)
    {
        var stored = await db.ReadAsync<Stored>("select org_id, id, secret, previous_secret from webhooks", new { }, ct);
        foreach (var row in stored)
        {
            var (secret, previous) = (Anew(row, row.Secret), row.PreviousSecret is null ? null : Anew(row, row.PreviousSecret));
            if (secret != row.Secret || previous != row.PreviousSecret)
                await db.ExecuteAsync(
                    """
                    update webhooks
                    set secret = @NewSecret, previous_secret = @NewPrevious
                    where org_id = @OrgId
                      and id = @Id
                      and secret = @Secret
                      and previous_secret is not distinct from @PreviousSecret
                    """,
                    new { row.OrgId, row.Id, row.Secret, row.PreviousSecret, NewSecret = secret, NewPrevious = previous },
                    ct);
        }
    }

    // The same array if it is encrypted with the current key, or cannot be decrypted.
    private byte[] Anew(Stored row, byte[] sealedSecret) =>
        secrets.IsCurrent(sealedSecret) || secrets.Decrypt(row.OrgId, row.Id, sealedSecret) is not { } secret
            ? sealedSecret
            : secrets.Encrypt(row.OrgId, row.Id, secret);

    [LoggerMessage(LogLevel.Warning, "Old deliveries could not be removed: {Exception}")]
    private static partial void CannotCleanUp(ILogger log, string exception);

    private sealed record Stored(Guid OrgId, Guid Id, byte[] Secret, byte[]? PreviousSecret);
}
