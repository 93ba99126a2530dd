using ChatLogger.Data;

namespace ChatLogger.Rollups;

/// <summary>Moves counts in the rollups of an organization, which hold each quarter of an hour in three tiers.</summary>
internal static class RollupTiers
{
    private static readonly int[] All = [TimeBuckets.Quarter, TimeBuckets.Hour, TimeBuckets.Day];

    /// <summary>
    /// Adds and subtracts counts by quarter. What cannot be subtracted is summed up anew: a quarter from the sums of its chats, which must
    /// be up to date, an hour and a day from their parts.
    /// </summary>
    public static async Task Move(
        Sql.Transaction transaction, Guid orgId, Dictionary<long, RollupBucket> added, Dictionary<long, RollupBucket> removed)
    {
        var (plus, minus) = (InAllTiers(added), InAllTiers(removed));
        var buckets = await RollupRows.Read(transaction, orgId, [.. plus.Keys.Union(minus.Keys)]);
        foreach (var (span, bucket) in plus)
            At(buckets, span).Add(bucket);
        foreach (var tier in All)
        {
            foreach (var (span, part) in minus.Where(each => each.Key.Tier == tier))
            {
                if (!At(buckets, span).Remove(part, plus.GetValueOrDefault(span)))
                    buckets[span] = tier == TimeBuckets.Quarter
                        ? await ChatSumRows.Bucket(transaction, orgId, span.Start)
                        : await SumOfParts(transaction, orgId, span, buckets);
            }
        }
        await RollupRows.Write(transaction, orgId, buckets);
    }

    public static Dictionary<(int Tier, long Start), RollupBucket> InAllTiers(Dictionary<long, RollupBucket> quarters)
    {
        var buckets = new Dictionary<(int Tier, long Start), RollupBucket>();
        foreach (var (start, quarter) in quarters)
        {
            foreach (var tier in All)
                At(buckets, (tier, TimeBuckets.StartOf(tier, start))).Add(quarter);
        }
        return buckets;
    }

    private static async Task<RollupBucket> SumOfParts(
        Sql.Transaction transaction, Guid orgId, (int Tier, long Start) span, Dictionary<(int Tier, long Start), RollupBucket> buckets)
    {
        var parts = Inside(span).ToList();
        var stored = await RollupRows.Read(transaction, orgId, [.. parts.Where(part => !buckets.ContainsKey(part))]);
        var sum = new RollupBucket();
        foreach (var part in parts)
        {
            if (buckets.TryGetValue(part, out var bucket) || stored.TryGetValue(part, out bucket))
                sum.Add(bucket);
        }
        return sum;
    }

    private static IEnumerable<(int Tier, long Start)> Inside((int Tier, long Start) span)
    {
        var length = TimeBuckets.Length(span.Tier - 1);
        for (var part = span.Start; part < span.Start + TimeBuckets.Length(span.Tier); part += length)
            yield return (span.Tier - 1, part);
    }

    private static RollupBucket At(Dictionary<(int Tier, long Start), RollupBucket> buckets, (int Tier, long Start) span)
    {
        if (!buckets.TryGetValue(span, out var bucket))
            buckets.Add(span, bucket = new RollupBucket());
        return bucket;
    }
}
