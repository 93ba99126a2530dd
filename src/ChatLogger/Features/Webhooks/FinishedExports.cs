using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.Webhooks;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Tells webhooks of exports that have ended: done, failed or cancelled.</summary>
internal sealed class FinishedExports(NpgsqlDataSource db, ExportQueue queue) : IFinishedJobs
{
    public string Event => WebhookEvent.ExportFinished;

    public Task<IReadOnlyList<FinishedJob>> FinishedSince(Guid orgId, DateTimeOffset since, CancellationToken ct) =>
        db.ReadAsync<FinishedJob>(
            """
            select id, finished_at
            from exports
            where org_id = @OrgId
              and finished_at > @Since
            order by finished_at
            """,
            new { OrgId = orgId, Since = since },
            ct);

    public async Task<object?> Read(Guid orgId, Guid id, CancellationToken ct) =>
        await queue.Get(orgId, id, ct) is { } export ? new ExportData(id, export) : null;

    public sealed record ExportData(Guid ExportId, Export Export);
}
