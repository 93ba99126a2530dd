using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Ingest;

/// <summary>Creates the group commits of this process. They share the pool of connections that write.</summary>
internal sealed class GroupCommitFactory(
    [FromKeyedServices(Pools.Writing)] NpgsqlDataSource db,
    IngestSettings settings,
    OrganizationLog organizationLog,
    Engine engine,
    DatabaseSettings database,
    Instruments instruments,
    ILogger<GroupCommit> log)
{
    /// <param name="name">The name of the writer in metrics and spans.</param>
    public GroupCommit Create(string name) =>
        new(
            engine.IsDistributed
                ? new DistributedWriteTransaction(db, database, organizationLog)
                : new WriteTransaction(db, settings, organizationLog),
            db,
            settings,
            instruments,
            log,
            name);
}
