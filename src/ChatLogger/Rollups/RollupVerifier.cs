using System.Security.Cryptography;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Rollups;

/// <summary>
/// Recomputes the rollups of an organization from the rows and compares them with the stored ones. The comparison takes no locks. If there
/// are differences, it repairs them under the lock of the rollup offset; until then aggregation, deletion of chats and changes of tags wait
/// in this organization.
/// </summary>
internal sealed class RollupVerifier([FromKeyedServices(Pools.Analytics)] NpgsqlDataSource db, FeedSettings settings)
{
    /// <summary>Returns how many buckets there should be, and how many were wrong and have been repaired.</summary>
    public async Task<(int Rollups, int Differences)> Run(Guid orgId, CancellationToken ct)
    {
        var seen = await db.InSnapshotAsync(snapshot => Compare(snapshot, orgId, mayRepair: false), ct);
        return seen.Differences == 0 ? seen : await db.InTransactionAsync(transaction => Compare(transaction, orgId, mayRepair: true), ct);
    }

    private async Task<(int Rollups, int Differences)> Compare(Sql.Transaction transaction, Guid orgId, bool mayRepair)
    {
        var upTo = mayRepair
            ? await FeedConsumer.ConsumerOffset.Take(transaction, orgId, RollupUpdates.Name, wait: true)
            : await transaction.QuerySingleOrDefaultAsync<long?>(
                "select seq from followers where org_id = @OrgId and follower = @Name", new { OrgId = orgId, RollupUpdates.Name });
        var counted = await RollupUpdates.Count(transaction, orgId, upTo ?? -1, settings.BatchRows, mayAdd: mayRepair);
        var kept = (
            await transaction.QueryAsync<HashRow>(
                "select tier, start, sha256(counts) || sha256(people) || sha256(tags) as hash from rollups where org_id = @OrgId",
                new { OrgId = orgId })
        ).ToDictionary(row => ((int)row.Tier, TimeBuckets.Milliseconds(row.Start)), row => row.Hash);

        var different = counted
            .Where(each =>
                !(
                    kept.TryGetValue(each.Key, out var hash)
                        ? hash.AsSpan().SequenceEqual(Hash(each.Value, each.Key.Start))
                        : each.Value.IsEmpty))
            .Concat(kept.Keys.Where(span => !counted.ContainsKey(span)).Select(span => KeyValuePair.Create(span, new RollupBucket())))
            .ToDictionary();
        if (mayRepair)
            await RollupRows.Write(transaction, orgId, different);
        return (counted.Count(each => !each.Value.IsEmpty), different.Count);
    }

    private static byte[] Hash(RollupBucket bucket, long start) =>
        [
            .. SHA256.HashData(RollupCodec.Of(bucket.Counts)),
            .. SHA256.HashData(RollupCodec.Of(bucket.People, start)),
            .. SHA256.HashData(RollupCodec.Of(bucket.Tags)),
        ];

    private sealed record HashRow(short Tier, DateTime Start, byte[] Hash);
}
