using System.Runtime.InteropServices;

namespace ChatLogger.Rollups;

/// <summary>
/// The aggregated counts of conversations in a span of time, in total and by person, tag and model, and statistics of the conversations
/// that began in it. The buckets of adjacent spans add up to the bucket of both.
/// </summary>
internal sealed class RollupBucket
{
    public BucketCounts Counts { get; } = new();

    public Dictionary<PersonKey, PersonUsage> People { get; } = [];

    public Dictionary<int, TagCounts> Tags { get; } = [];

    public Dictionary<int, ModelCounts> Models { get; } = [];

    public ConversationCounts Conversations { get; } = new();

    public bool IsEmpty =>
        Counts.IsEmpty && People.Count == 0 && Tags.Count == 0 && Models.Count == 0 && Conversations.IsEmpty;

    /// <summary>Adds an event. <paramref name="model"/> 0: none.</summary>
    public void Add(AnalyticsEvent what, PersonKey person, int[] tags, int model)
    {
        Counts.Add(what);
        if (what.Kind == AnalyticsEventKind.Feedback)
            return;
        var (chats, messages) = what.Kind == AnalyticsEventKind.Chat ? (1, 0) : (0, 1);
        Add(person, new(chats, messages, what.Tokens, what.At));
        foreach (var tag in tags)
            AddTag(tag, new(chats, messages));
        if (model != 0)
            AddModel(model, new(1, what.Tokens, what.PromptTokens, what.CompletionTokens));
    }

    public void Add(RollupBucket other) => Add(other, TimeBuckets.Quarter);

    /// <summary>Adds what the buckets of a tier have.</summary>
    public void Add(RollupBucket other, int tier)
    {
        if (TimeBuckets.HasCounts(tier))
        {
            Counts.Add(other.Counts);
            Conversations.Add(other.Conversations);
        }
        if (!TimeBuckets.HasUse(tier))
            return;
        foreach (var (person, use) in other.People)
            Add(person, use);
        foreach (var (tag, use) in other.Tags)
            AddTag(tag, use);
        foreach (var (model, use) in other.Models)
            AddModel(model, use);
    }

    /// <summary>
    /// Subtracts a part. False: the part may have contained a maximum (such as the last-seen time), and the rest must be summed up anew,
    /// unless that maximum is also in what was added before and stays.
    /// </summary>
    public bool Remove(RollupBucket part, RollupBucket? added)
    {
        var isKnown = Counts.Remove(part.Counts, added?.Counts);
        foreach (var (person, removed) in part.People)
        {
            var before = People.GetValueOrDefault(person);
            var left = new PersonUsage(
                before.Chats - removed.Chats, before.Messages - removed.Messages, before.Tokens - removed.Tokens, before.LastSeenAt);
            if (left.Chats == 0 && left.Messages == 0)
                People.Remove(person);
            else
                People[person] = left;
            isKnown &= (left.Chats == 0 && left.Messages == 0)
                || removed.LastSeenAt < before.LastSeenAt
                || (added is not null && added.People.TryGetValue(person, out var stays) && stays.LastSeenAt == before.LastSeenAt);
        }
        foreach (var (tag, removed) in part.Tags)
            AddTag(tag, new(-removed.Chats, -removed.Messages));
        foreach (var (model, removed) in part.Models)
            AddModel(model, new(-removed.Messages, -removed.Tokens, -removed.PromptTokens, -removed.CompletionTokens));
        return Conversations.Remove(part.Conversations, added?.Conversations) && isKnown;
    }

    public void Add(PersonKey person, PersonUsage use)
    {
        ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(People, person, out _);
        sum = new(
            sum.Chats + use.Chats,
            sum.Messages + use.Messages,
            sum.Tokens + use.Tokens,
            use.LastSeenAt > sum.LastSeenAt ? use.LastSeenAt : sum.LastSeenAt);
    }

    public void AddTag(int tag, TagCounts use)
    {
        ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(Tags, tag, out _);
        sum = new(sum.Chats + use.Chats, sum.Messages + use.Messages);
        if (sum is { Chats: 0, Messages: 0 })
            Tags.Remove(tag);
    }

    public void AddModel(int model, ModelCounts use)
    {
        ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(Models, model, out _);
        sum = new(
            sum.Messages + use.Messages,
            sum.Tokens + use.Tokens,
            sum.PromptTokens + use.PromptTokens,
            sum.CompletionTokens + use.CompletionTokens);
        if (sum.Messages == 0)
            Models.Remove(model);
    }
}

/// <summary>The member and the end user of a chat by their <see cref="DimensionIds"/>; 0: none.</summary>
internal readonly record struct PersonKey(int Member, int EndUser) : IComparable<PersonKey>
{
    public int CompareTo(PersonKey other) => Member != other.Member ? Member.CompareTo(other.Member) : EndUser.CompareTo(other.EndUser);
}

/// <summary>The counts of a person. LastSeenAt is in milliseconds since 1970.</summary>
internal readonly record struct PersonUsage(long Chats, long Messages, long Tokens, long LastSeenAt);

internal readonly record struct TagCounts(long Chats, long Messages);

internal readonly record struct ModelCounts(long Messages, long Tokens, long PromptTokens, long CompletionTokens);
