using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ChangeFeed;

/// <summary>
/// Deletes recorded events that all consumers are past and nobody can ask for any more: of all organizations, in small batches, skipping
/// rows that others have locked.
/// </summary>
internal sealed partial class OrganizationEventsCleanup(NpgsqlDataSource db, TimeProvider time, ILogger<OrganizationEventsCleanup> log)
    : PeriodicJob(TimeSpan.FromMinutes(1))
{
    private const int Changes = 500;

    // Clocks of instances differ, and a transaction may have taken its time before it drew its number.
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(5);

    public override async Task Run(CancellationToken ct)
    {
        var forgotten = time.GetUtcNow() - OrganizationEvents.Retention - Margin;
        var orgs = await db.ReadAsync<Guid>(
            """
            select l.org_id
            from organization_log l
            where exists (select from organization_events c where c.org_id = l.org_id and c.at <= @Forgotten)
            """,
            new { Forgotten = forgotten },
            ct);
        foreach (var orgId in orgs)
        {
            while (await Delete(orgId, forgotten, ct) == Changes)
            {
            }
        }
    }

    public override void Failed(Exception failure) => CannotCleanUp(log, failure.GetType().Name);

    private Task<int> Delete(Guid orgId, DateTimeOffset forgotten, CancellationToken ct) =>
        db.ExecuteAsync(
            DeleteBatch.Of(
                "organization_events",
                """
                and at <= @Forgotten
                and seq <= (select min(f.seq) from followers f where f.org_id = @OrgId)
                order by seq
                """,
                "@Changes"),
            new { OrgId = orgId, Forgotten = forgotten, Changes },
            ct);

    [LoggerMessage(LogLevel.Warning, "Old events could not be deleted: {Exception}")]
    private static partial void CannotCleanUp(ILogger log, string exception);
}

/// <summary>Purges the recorded events of a deleted organization.</summary>
internal sealed class OrganizationEventsPurger(NpgsqlDataSource db) : IOrganizationPurger
{
    public async Task<bool> Purge(Guid orgId, CancellationToken ct) =>
        await db.ExecuteAsync(
            DeleteBatch.Of("organization_events", "order by seq"), new { OrgId = orgId, IOrganizationPurger.BatchRows }, ct) > 0;
}
