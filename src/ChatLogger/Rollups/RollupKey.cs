namespace ChatLogger.Rollups;

/// <summary>
/// What a bucket counts: a span of time, in milliseconds since 1970, of all chats (tag 0) or of those with a tag, by its
/// <see cref="DimensionIds"/>.
/// </summary>
internal readonly record struct RollupKey(int Tag, int Tier, long Start);

/// <summary>The chats that a request is about: all, or those with one tag.</summary>
internal readonly record struct TagFilter(int Id, string? Name)
{
    /// <summary>Null: there are several tags, of which the rollups do not know the chats that have all.</summary>
    public static async Task<TagFilter?> Of(Data.Sql.Transaction snapshot, Guid orgId, string[] tags) => tags.Distinct().ToArray() switch
    {
        [] => default(TagFilter),
        [var tag] => new((await DimensionIds.OfTags(snapshot, orgId, [tag]))[0], tag),
        _ => null,
    };

    public bool Passes(AnalyticsEvent what) => Name is null || what.Tags.Contains(Name);
}
