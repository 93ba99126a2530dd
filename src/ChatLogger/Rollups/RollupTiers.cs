using ChatLogger.Data;

namespace ChatLogger.Rollups;

/// <summary>Moves counts in the rollups of an organization.</summary>
internal static class RollupTiers
{
    private static readonly int[] All = [TimeBuckets.Quarter, TimeBuckets.Hour, TimeBuckets.Day];

    /// <summary>
    /// Adds and subtracts counts by tag and quarter. What cannot be subtracted is summed up anew: a quarter from the sums of its chats,
    /// which must be up to date, an hour and a day from their quarters.
    /// </summary>
    public static async Task Move(
        Sql.Transaction transaction, Guid orgId, Dictionary<(int Tag, long Start), RollupBucket> added,
        Dictionary<(int Tag, long Start), RollupBucket> removed)
    {
        foreach (var tier in All)
        {
            var (plus, minus) = (InTier(tier, added), InTier(tier, removed));
            if (plus.Count + minus.Count == 0)
                continue;
            var buckets = await RollupRows.ReadFor(transaction, orgId, plus.Concat(minus).ToLookup(each => each.Key, each => each.Value));
            foreach (var (key, bucket) in plus)
                buckets[key].Bucket.Add(bucket);
            foreach (var (key, part) in minus)
            {
                if (!buckets[key].Bucket.Remove(part, plus.GetValueOrDefault(key)))
                    buckets[key].Replace(
                        tier == TimeBuckets.Quarter
                            ? await ChatSumRows.Bucket(transaction, orgId, key.Tag, key.Start)
                            : await SumOfQuarters(transaction, orgId, key));
            }
            await RollupRows.Write(transaction, orgId, buckets);
        }
    }

    /// <summary>The buckets of all tiers, from those of the quarters.</summary>
    public static Dictionary<RollupKey, RollupBucket> InAllTiers(Dictionary<(int Tag, long Start), RollupBucket> quarters) =>
        All.SelectMany(tier => InTier(tier, quarters)).ToDictionary();

    private static Dictionary<RollupKey, RollupBucket> InTier(int tier, Dictionary<(int Tag, long Start), RollupBucket> quarters)
    {
        var buckets = new Dictionary<RollupKey, RollupBucket>();
        foreach (var ((tag, start), quarter) in quarters)
        {
            var key = new RollupKey(tag, tier, TimeBuckets.StartOf(tier, start));
            if (!buckets.TryGetValue(key, out var bucket))
                buckets.Add(key, bucket = new RollupBucket());
            bucket.Add(quarter, tier);
        }
        return buckets.Where(each => !each.Value.IsEmpty).ToDictionary();
    }

    private static async Task<RollupBucket> SumOfQuarters(Sql.Transaction transaction, Guid orgId, RollupKey key)
    {
        var (sum, quarters) = (new RollupBucket(), new List<RollupKey>());
        var end = key.Start + TimeBuckets.Length(key.Tier);
        for (var start = key.Start; start < end; start += TimeBuckets.Length(TimeBuckets.Quarter))
            quarters.Add(key with { Tier = TimeBuckets.Quarter, Start = start });
        foreach (var quarter in (await RollupRows.Read(transaction, orgId, quarters)).Values)
            sum.Add(quarter, key.Tier);
        return sum;
    }
}
