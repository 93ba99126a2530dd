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
    ChangeLog changeLog,
    FeedSettings settings,
    IngestActivity activity,
    TimeProvider time,
    ILogger<RollupWorker> log
) : FeedConsumer(RollupUpdates.Name, db, changeLog, settings, activity, time, log)
{
    private readonly NpgsqlDataSource _db = db;
    private readonly int _rows = settings.BatchRows;

    protected override Task<long> Consume(Sql.Transaction transaction, Guid orgId, long seq, long committed) =>
        RollupUpdates.Aggregate(transaction, orgId, seq, committed, _rows);

    protected override async Task<bool> HasMore(Guid orgId, long seq, CancellationToken ct) =>
        await base.HasMore(orgId, seq, ct)
        || await _db.ReadSingleOrDefaultAsync<bool>(
            "select exists (select from feedback where org_id = @OrgId and seq > @Seq)", new { OrgId = orgId, Seq = seq }, ct);

    protected override async Task<IReadOnlyList<Guid>> FindLagging(CancellationToken ct) =>
    [
        .. (await base.FindLagging(ct)).Union(await _db.ReadAsync<Guid>(
            """
            select o.id
            from organizations o
            left join followers f on f.org_id = o.id and f.follower = @Name
            where o.deleted_at is null
              and exists (select from feedback r where r.org_id = o.id and r.seq > coalesce(f.seq, -1))
            """,
            new { RollupUpdates.Name },
            ct)),
    ];
}
