using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Rollups;

/// <summary>
/// The consumer of the change feed that aggregates changes into the rollups, asynchronously; see <see cref="RollupUpdates"/>.
/// </summary>
internal sealed class RollupWorker(
    [FromKeyedServices(Pools.Analytics)] NpgsqlDataSource db,
    OrganizationLog organizationLog,
    FeedSettings settings,
    IngestActivity activity,
    TimeProvider time,
    ILogger<RollupWorker> log
) : FeedConsumer(RollupUpdates.Name, db, organizationLog, settings, activity, time, log)
{
    private readonly int _rows = settings.BatchRows;

    protected override Task<long> Consume(Sql.Transaction transaction, Guid orgId, long seq, long head) =>
        RollupUpdates.Aggregate(transaction, orgId, seq, head, _rows);
}
