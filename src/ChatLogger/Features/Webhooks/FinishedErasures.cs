using ChatLogger.Data;
using ChatLogger.Webhooks;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Tells webhooks of erasures that are done.</summary>
internal sealed class FinishedErasures(NpgsqlDataSource db) : IFinishedJobs
{
    public string Event => WebhookEvent.ErasureFinished;

    public Task<IReadOnlyList<FinishedJob>> FinishedSince(Guid orgId, DateTimeOffset since, CancellationToken ct) =>
        db.ReadAsync<FinishedJob>(
            """
            select id, finished_at
            from erasures
            where org_id = @OrgId
              and finished_at > @Since
            order by finished_at
            """,
            new { OrgId = orgId, Since = since },
            ct);

    public async Task<object?> Read(Guid orgId, Guid id, CancellationToken ct) =>
        await db.ReadSingleOrDefaultAsync<Erasure>(
            $"select {Erasure.Columns} from erasures where org_id = @OrgId and id = @Id and state = 'done'",
            new { OrgId = orgId, Id = id },
            ct) is { } erasure
            ? new ErasureData(id, erasure)
            : null;

    public sealed record ErasureData(Guid ErasureId, Erasure Erasure);
}
