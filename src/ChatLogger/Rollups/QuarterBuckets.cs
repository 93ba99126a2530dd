namespace ChatLogger.Rollups;

/// <summary>The buckets of quarters of an hour by tag (0: all chats) and start.</summary>
internal static class QuarterBuckets
{
    /// <summary>Adds a quarter of a chat to the buckets of all chats and of its tags.</summary>
    public static void AddTo(
        Dictionary<(int Tag, long Start), RollupBucket> buckets, int[] tags, long start, ChatQuarter quarter, ChatSum sum)
    {
        foreach (var tag in WithAll(tags))
            quarter.AddTo(At(buckets, tag, start), sum, tags);
    }

    /// <summary>The tags of a chat, and 0 for all chats.</summary>
    public static IEnumerable<int> WithAll(IEnumerable<int> tags) => tags.Prepend(0);

    public static RollupBucket At(Dictionary<(int Tag, long Start), RollupBucket> buckets, int tag, long start)
    {
        if (!buckets.TryGetValue((tag, start), out var bucket))
            buckets.Add((tag, start), bucket = new RollupBucket());
        return bucket;
    }
}
