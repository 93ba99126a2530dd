using ChatLogger.Data;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Rollups;

/// <summary>
/// Reads and writes the stored rollups of an organization, while holding the lock of the rollup offset. Of a bucket that changes only the
/// rows with cells that change are read and written; see <see cref="RollupCells"/>.
/// </summary>
internal static class RollupRows
{
    /// <summary>The buckets that exist of the given ones.</summary>
    public static async Task<Dictionary<RollupKey, RollupBucket>> Read(
        Sql.Transaction transaction, Guid orgId, IReadOnlyList<RollupKey> keys)
    {
        var buckets = new Dictionary<RollupKey, RollupBucket>();
        foreach (var row in await transaction.QueryAsync<CellsRow>(
            """
            select k.no::int, r.cells
            from unnest(@Tags, @Tiers, @Starts) with ordinality as k(tag, tier, start, no)
            cross join lateral (
                select cells from rollups where org_id = @OrgId and tag = k.tag and tier = k.tier and start = k.start offset 0
            ) r
            """,
            Parameters(orgId, keys, [])))
        {
            var key = keys[row.No - 1];
            if (!buckets.TryGetValue(key, out var bucket))
                buckets.Add(key, bucket = new RollupBucket());
            RollupCells.Read(row.Cells, key.Start, bucket.Counts, bucket.Conversations, bucket);
        }
        return buckets;
    }

    /// <summary>Reads of buckets that are about to change what <see cref="Write"/> will write anew.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="orgId">The organization.</param>
    /// <param name="changes">The buckets, each with the parts that are added to it and subtracted.</param>
    public static async Task<Dictionary<RollupKey, StoredBucket>> ReadFor(
        Sql.Transaction transaction, Guid orgId, ILookup<RollupKey, RollupBucket> changes)
    {
        var keys = changes.Select(each => each.Key).ToArray();
        var firsts = (await transaction.QueryAsync<FirstRow>(
            """
            select k.no::int, r.first
            from unnest(@Tags, @Tiers, @Starts) with ordinality as k(tag, tier, start, no)
            cross join lateral (
                select first from rollups where org_id = @OrgId and tag = k.tag and tier = k.tier and start = k.start offset 0
            ) r
            """,
            Parameters(orgId, keys, []))).ToLookup(row => keys[row.No - 1], row => row.First);
        var stored = keys.ToDictionary(key => key, key => new StoredBucket([.. firsts[key].Order()], changes[key]));
        var rows = stored.SelectMany(each => each.Value.Needed.Select(first => (each.Key, First: first))).ToArray();
        if (rows.Length == 0)
            return stored;
        foreach (var row in await transaction.QueryAsync<CellsRow>(
            """
            select k.no::int, r.cells
            from unnest(@Tags, @Tiers, @Starts, @Firsts) with ordinality as k(tag, tier, start, first, no)
            cross join lateral (
                select cells
                from rollups
                where org_id = @OrgId and tag = k.tag and tier = k.tier and start = k.start and first = k.first
                offset 0
            ) r
            """,
            Parameters(orgId, Array.ConvertAll(rows, row => row.Key), Array.ConvertAll(rows, row => row.First))))
        {
            var (key, first) = rows[row.No - 1];
            stored[key].Load(first, row.Cells, key.Start);
        }
        return stored;
    }

    /// <summary>Writes the rows of buckets that have changed; deletes the empty ones.</summary>
    public static async Task Write(Sql.Transaction transaction, Guid orgId, IReadOnlyDictionary<RollupKey, StoredBucket> buckets)
    {
        var (changed, gone) = (new List<(RollupKey Key, long First, byte[] Cells)>(), new List<(RollupKey Key, long First)>());
        foreach (var (key, bucket) in buckets.OrderBy(each => (each.Key.Tag, each.Key.Tier, each.Key.Start)))
        {
            var (rows, empty) = bucket.Changes(key.Start);
            changed.AddRange(rows.Select(row => (key, row.First, row.Cells)));
            gone.AddRange(empty.Select(first => (key, first)));
        }
        if (gone.Count > 0)
            await transaction.ExecuteAsync(
                """
                delete from rollups r
                using unnest(@Tags, @Tiers, @Starts, @Firsts) as k(tag, tier, start, first)
                where r.org_id = @OrgId
                  and r.tag = k.tag
                  and r.tier = k.tier
                  and r.start = k.start
                  and r.first = k.first
                """,
                Parameters(orgId, gone.ConvertAll(row => row.Key), [.. gone.Select(row => row.First)]));
        if (changed.Count == 0)
            return;
        await using var write = new NpgsqlCommand(
            """
            insert into rollups (org_id, tag, tier, start, first, cells)
            select $1, r.tag, r.tier, r.start, r.first, r.cells
            from unnest($2, $3, $4, $5, $6) as r(tag, tier, start, first, cells)
            on conflict (org_id, tag, tier, start, first) do update
            set cells = excluded.cells
            """,
            transaction.Connection,
            transaction.Inner);
        write.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = orgId });
        Add(NpgsqlDbType.Integer, row => row.Key.Tag);
        Add(NpgsqlDbType.Integer, row => row.Key.Tier);
        Add(NpgsqlDbType.TimestampTz, row => TimeBuckets.Instant(row.Key.Start));
        Add(NpgsqlDbType.Bigint, row => row.First);
        Add(NpgsqlDbType.Bytea, row => row.Cells);
        await write.ExecuteNonQueryAsync(transaction.Ct);

        void Add<T>(NpgsqlDbType type, Func<(RollupKey Key, long First, byte[] Cells), T> value) =>
            write.Parameters.Add(ArrayParameter.Of(type, changed.Select(value).ToArray()));
    }

    private static object Parameters(Guid orgId, IReadOnlyList<RollupKey> keys, long[] firsts) => new
    {
        OrgId = orgId,
        Tags = keys.Select(key => key.Tag).ToArray(),
        Tiers = keys.Select(key => key.Tier).ToArray(),
        Starts = keys.Select(key => TimeBuckets.Instant(key.Start)).ToArray(),
        Firsts = firsts,
    };

    private sealed record FirstRow(int No, long First);

    private sealed record CellsRow(int No, byte[] Cells);
}
