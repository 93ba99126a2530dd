using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Ingest;

/// <summary>
/// Analyzes tables that grow from nothing, as often as they have become four times as large, until autovacuum is soon enough. PostgreSQL
/// takes all indexes of a small table for equally good, keeps the plans of prepared statements and foreign keys, and analyzes by itself
/// only after a minute; until then a message would read all chats of its organization. Only the owner of a table can do this: for other
/// roles, and on Citus, autovacuum does it.
/// </summary>
internal sealed partial class PlannerStatistics(NpgsqlDataSource db, Engine engine, IngestActivity activity, ILogger<PlannerStatistics> log)
    : PeriodicJob(TimeSpan.FromSeconds(1))
{
    // Larger tables are left to autovacuum, which waits for a tenth of new rows.
    private const int SettledRows = 20_000;

    private long _writes;

    public override async Task Run(CancellationToken ct)
    {
        var writes = activity.Writes;
        if (engine.IsDistributed || writes == _writes)
            return;
        var tables = await db.ReadAsync<string>(
            """
            select c.oid::regclass::text
            from pg_class c
            where c.relnamespace = (select relnamespace from pg_class where oid = 'chats'::regclass)
              and c.relkind = 'r'
              and pg_has_role(c.relowner, 'usage')
              and c.reltuples < @SettledRows
              and pg_relation_size(c.oid) / current_setting('block_size')::int >= 4 * greatest(c.relpages, 1)
            """,
            new { SettledRows },
            ct);
        // Another instance, or autovacuum, may be at it.
        foreach (var table in tables)
            await db.ExecuteAsync($"analyze (skip_locked) {table}", new { }, ct);
        _writes = writes;
    }

    public override void Failed(Exception failure) => CannotAnalyze(log, failure.Message);

    [LoggerMessage(LogLevel.Warning, "Tables that grow cannot be analyzed; autovacuum will do it: {Reason}")]
    private static partial void CannotAnalyze(ILogger log, string reason);
}
