using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Ingest;

/// <summary>
/// Deletes Idempotency-Keys whose retention has expired: for all organizations, in small batches, skipping rows that others have locked.
/// </summary>
internal sealed class IdempotencyKeyCleanup(NpgsqlDataSource db, IngestSettings settings, TimeProvider time)
{
    private const int Organizations = 100, Keys = 500;

    public async Task Run(CancellationToken ct)
    {
        var last = Guid.Empty;
        while (await Next(last, ct) is { Count: > 0 } orgs)
        {
            foreach (var org in orgs)
            {
                while (await DeleteExpired(org, ct) == Keys)
                {
                }
            }
            last = orgs[^1];
        }
    }

    private Task<IReadOnlyList<Guid>> Next(Guid after, CancellationToken ct) =>
        db.ReadAsync<Guid>(
            """
            select l.org_id
            from organization_log l
            where l.org_id > @After
              and exists (select from idempotency_keys k where k.org_id = l.org_id and k.created_at <= @Forgotten)
            order by l.org_id
            limit @Organizations
            """,
            new { After = after, Forgotten = Forgotten(), Organizations },
            ct);

    private Task<int> DeleteExpired(Guid orgId, CancellationToken ct) =>
        db.ExecuteAsync(
            DeleteBatch.Of("idempotency_keys", "and created_at <= @Forgotten order by created_at", "@Keys"),
            new { OrgId = orgId, Forgotten = Forgotten(), Keys },
            ct);

    private DateTimeOffset Forgotten() => time.GetUtcNow() - settings.KeyRetention;
}

/// <summary>Runs <see cref="IdempotencyKeyCleanup"/> periodically. Several instances may run it at the same time.</summary>
internal sealed partial class IdempotencyKeyCleanupJob(
    IdempotencyKeyCleanup cleanup, IngestSettings settings, ILogger<IdempotencyKeyCleanupJob> log)
    : PeriodicJob(settings.CleanupInterval)
{
    public override Task Run(CancellationToken ct) => cleanup.Run(ct);

    public override void Failed(Exception failure) => CannotCleanUp(log, failure.GetType().Name);

    [LoggerMessage(LogLevel.Warning, "Expired idempotency keys could not be deleted: {Exception}")]
    private static partial void CannotCleanUp(ILogger log, string exception);
}
