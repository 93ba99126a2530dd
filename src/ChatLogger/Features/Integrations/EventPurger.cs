using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Purges what integrations have been told of a deleted organization.</summary>
internal sealed class EventPurger(NpgsqlDataSource db) : IOrganizationPurger
{
    public Task Deactivate(Sql.Transaction transaction, Guid orgId) => Task.CompletedTask;

    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, IOrganizationPurger.BatchRows };
        await db.ExecuteAsync(DeleteBatch.Of("integration_events", "order by source, id"), piece, ct);
        return await db.ReadSingleOrDefaultAsync<bool>("select exists (select from integration_events where org_id = @OrgId)", piece, ct);
    }
}

/// <summary>Removes what integrations have been told and what is too old to be needed.</summary>
internal sealed partial class EventCleanup(NpgsqlDataSource db, TimeProvider time, ILogger<EventCleanup> log) : PeriodicJob(Interval)
{
    private const int Organizations = 100, Events = 500;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ContentRetention = TimeSpan.FromDays(1);
    private static readonly TimeSpan Retention = TimeSpan.FromDays(30);

    public override async Task Run(CancellationToken ct)
    {
        var last = Guid.Empty;
        while (await Next(last, ct) is { Count: > 0 } orgs)
        {
            foreach (var org in orgs)
            {
                while (await Remove(org, ct) == Events)
                {
                }
            }
            last = orgs[^1];
        }
    }

    public override void Failed(Exception failure) => CannotCleanUp(log, failure.GetType().Name);

    private Task<IReadOnlyList<Guid>> Next(Guid after, CancellationToken ct) =>
        db.ReadAsync<Guid>(
            """
            select l.org_id
            from organization_log l
            where l.org_id > @After
              and exists (select from integration_events e where e.org_id = l.org_id and e.updated_at <= @OldContent)
            order by l.org_id
            limit @Organizations
            """,
            new { After = after, OldContent = time.GetUtcNow() - ContentRetention, Organizations },
            ct);

    private Task<int> Remove(Guid orgId, CancellationToken ct) =>
        db.ExecuteAsync(
            DeleteBatch.Of(
                "integration_events",
                """
                and updated_at <= case when source in ('langfuse-generation', 'lunary-run') then @OldContent else @Old end
                order by updated_at
                """,
                "@Events"),
            new { OrgId = orgId, OldContent = time.GetUtcNow() - ContentRetention, Old = time.GetUtcNow() - Retention, Events },
            ct);

    [LoggerMessage(LogLevel.Warning, "Old events of integrations could not be deleted: {Exception}")]
    private static partial void CannotCleanUp(ILogger log, string exception);
}
