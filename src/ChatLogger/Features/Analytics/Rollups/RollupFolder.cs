using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Folds what arrives into the rollups, beside and behind those who write; see <see cref="Rollups"/>.</summary>
internal sealed class RollupFolder(
    [FromKeyedServices(Pools.Analytics)] NpgsqlDataSource db, Arrivals arrivals, FollowingSettings settings, Traffic traffic, TimeProvider time,
    ILogger<RollupFolder> log)
    : Follower(Rollups.Name, db, arrivals, settings, traffic, time, log)
{
    private readonly NpgsqlDataSource _db = db;
    private readonly int _rows = settings.Rows;

    protected override Task<long> Follow(Sql.Transaction transaction, Guid orgId, long seq, long settled) =>
        Rollups.Fold(transaction, orgId, seq, settled, _rows);

    protected override async Task<bool> HasMore(Guid orgId, long seq, CancellationToken ct) =>
        await base.HasMore(orgId, seq, ct)
        || await _db.QuerySingleOrDefaultAsync<bool>(
            "select exists (select from feedback where org_id = @OrgId and seq > @Seq)", new { OrgId = orgId, Seq = seq }, ct);

    protected override async Task<IReadOnlyList<Guid>> Behind(CancellationToken ct) =>
    [
        .. (await base.Behind(ct)).Union(await _db.QueryAsync<Guid>(
            """
            select o.id
            from organizations o
            left join followers f on f.org_id = o.id and f.follower = @Name
            where o.deleted_at is null
              and exists (select from feedback r where r.org_id = o.id and r.seq > coalesce(f.seq, -1))
            """,
            new { Rollups.Name },
            ct)),
    ];
}
