using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Ingest;

/// <summary>Creates the group commits of this process. They share the pool of connections that write.</summary>
internal sealed class GroupCommitFactory(
    [FromKeyedServices(Pools.Writing)] NpgsqlDataSource db,
    IngestSettings settings,
    TimeProvider time,
    ChangeLog changeLog,
    Instruments instruments)
{
    /// <param name="sql">The statement.</param>
    /// <param name="route">The route that the Idempotency-Keys are stored under.</param>
    /// <param name="name">The name of the writer in metrics and spans.</param>
    /// <param name="capacity">The capacity of the queue, which several group commits may share.</param>
    /// <param name="log">Reports rows that passed validation and that the database refuses nevertheless.</param>
    public GroupCommit<T> Create<T>(IBulkInsertSql<T> sql, string route, string name, QueueCapacity capacity, ILogger log)
        where T : IWrite =>
        new(new BulkInsert<T>(sql, route, db, settings, time, changeLog), db, settings, instruments, log, capacity, name);
}
