using System.Diagnostics;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Purges the data of deleted organizations in batches. All instances may do so concurrently: they skip each other's locked rows, and the
/// next run continues after an interruption.
/// </summary>
internal sealed partial class PurgeOrganizations(
    NpgsqlDataSource db, IEnumerable<IOrganizationPurger> kept, OrganizationLog organizationLog, PurgeSettings settings,
    ILogger<PurgeOrganizations> log)
    : PeriodicJob(settings.Interval)
{
    /// <summary>
    /// One run: until no data is left, or none can be removed now. It takes one batch of each organization in turn, so that a large one
    /// does not delay the others.
    /// </summary>
    public override async Task Run(CancellationToken ct)
    {
        var deleted = await Deleted(ct);
        foreach (var orgId in deleted)
            await organizationLog.Close(orgId, ct);
        while (deleted.Count > 0)
        {
            var more = new List<Guid>();
            foreach (var orgId in deleted)
            {
                var since = Stopwatch.GetTimestamp();
                if (!await Purge(orgId, ct))
                    continue;
                more.Add(orgId);
                await Delay(since, ct);
            }
            deleted = more;
        }
    }

    public override void Failed(Exception failure) => CannotLook(log, failure);

    // Returns false when nothing is left, or nothing can be removed in this run; neither blocks the other organizations.
    private async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        try
        {
            foreach (var data in kept)
            {
                if (await data.Purge(orgId, ct))
                    return true;
            }
            if (await Finish(orgId, ct) > 0)
                Purged(log, orgId);
        }
        catch (Exception failure) when (!ct.IsCancellationRequested)
        {
            CannotPurge(log, orgId, failure);
        }
        return false;
    }

    private Task<IReadOnlyList<Guid>> Deleted(CancellationToken ct) =>
        db.ReadAsync<Guid>(
            """
            select id
            from organizations
            where deleted_at is not null
              and purged_at is null
            order by deleted_at
            """,
            new { },
            ct);

    // A request that was admitted just before the deletion may have written something just after it; then another run follows.
    private Task<int> Finish(Guid orgId, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            update organizations
            set purged_at = now()
            where id = @OrgId
              and deleted_at <= now() - @GracePeriod
              and purged_at is null
            """,
            new { OrgId = orgId, settings.GracePeriod },
            ct);

    [LoggerMessage(LogLevel.Information, "Organization {OrgId} is purged; its slug and its audit log remain")]
    private static partial void Purged(ILogger log, Guid orgId);

    [LoggerMessage(LogLevel.Warning, "The data of deleted organization {OrgId} cannot be purged; retrying")]
    private static partial void CannotPurge(ILogger log, Guid orgId, Exception failure);

    [LoggerMessage(LogLevel.Warning, "Deleted organizations cannot be listed; retrying")]
    private static partial void CannotLook(ILogger log, Exception failure);
}
