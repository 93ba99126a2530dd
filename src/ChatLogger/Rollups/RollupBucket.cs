using System.Runtime.InteropServices;

namespace ChatLogger.Rollups;

/// <summary>
/// The aggregated counts of conversations in a span of time, in total and by person and tag. The buckets of adjacent spans add up to the
/// bucket of both.
/// </summary>
internal sealed class RollupBucket
{
    public BucketCounts Counts { get; } = new();

    public Dictionary<PersonKey, PersonUsage> People { get; } = [];

    public Dictionary<int, TagCounts> Tags { get; } = [];

    public bool IsEmpty => Counts.IsEmpty && People.Count == 0 && Tags.Count == 0;

    public void Add(AnalyticsEvent what, PersonKey person, int[] tags)
    {
        Counts.Add(what);
        if (what.Kind == AnalyticsEventKind.Feedback)
            return;
        var (chats, messages) = what.Kind == AnalyticsEventKind.Chat ? (1, 0) : (0, 1);
        Add(person, new(chats, messages, what.Tokens, what.At));
        foreach (var tag in tags)
            Add(tag, new(chats, messages));
    }

    public void Add(RollupBucket other)
    {
        Counts.Add(other.Counts);
        foreach (var (person, use) in other.People)
            Add(person, use);
        foreach (var (tag, use) in other.Tags)
            Add(tag, use);
    }

    /// <summary>
    /// Subtracts a part. False: the part may have contained a maximum (such as the last-seen time), so the rest must be recomputed from the
    /// rows.
    /// </summary>
    public bool Remove(RollupBucket part)
    {
        var isKnown = Counts.Remove(part.Counts);
        foreach (var (person, removed) in part.People)
        {
            var before = People.GetValueOrDefault(person);
            var left = new PersonUsage(
                before.Chats - removed.Chats, before.Messages - removed.Messages, before.Tokens - removed.Tokens, before.LastSeenAt);
            if (left.Chats == 0 && left.Messages == 0)
                People.Remove(person);
            else
                People[person] = left;
            isKnown &= (left.Chats == 0 && left.Messages == 0) || removed.LastSeenAt < before.LastSeenAt;
        }
        foreach (var (tag, removed) in part.Tags)
            Add(tag, new(-removed.Chats, -removed.Messages));
        return isKnown;
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

    public void Add(int tag, TagCounts use)
    {
        ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(Tags, tag, out _);
        sum = new(sum.Chats + use.Chats, sum.Messages + use.Messages);
        if (sum is { Chats: 0, Messages: 0 })
            Tags.Remove(tag);
    }
}

/// <summary>The totals of a bucket over all people.</summary>
internal sealed class BucketCounts
{
    /// <summary>
    /// The roles in the order in which <see cref="RollupCodec"/> stores their counts. New roles must be added at the end.
    /// </summary>
    public static readonly string[] RoleNames = ["user", "assistant", "system", "developer", "tool", "function"];

    public long Chats { get; set; }

    public long Tokens { get; set; }

    public long PromptTokens { get; set; }

    public long CompletionTokens { get; set; }

    public long Up { get; set; }

    public long Down { get; set; }

    /// <summary>The number of messages of each role.</summary>
    public long[] Roles { get; } = new long[RoleNames.Length];

    public LatencyHistogram Latencies { get; } = new();

    public long Messages => Roles.Sum();

    public bool IsEmpty => Chats == 0 && Messages == 0 && Up == 0 && Down == 0;

    public void Add(AnalyticsEvent what)
    {
        switch (what.Kind)
        {
            case AnalyticsEventKind.Chat:
                Chats++;
                break;
            case AnalyticsEventKind.Message:
                Roles[what.Role]++;
                (Tokens, PromptTokens, CompletionTokens) = (
                    Tokens + what.Tokens,
                    PromptTokens + what.PromptTokens,
                    CompletionTokens + what.CompletionTokens);
                if (what.LatencyMs is { } latency)
                    Latencies.Add(latency);
                break;
            case AnalyticsEventKind.Feedback:
                (Up, Down) = (Up + what.Up, Down + what.Down);
                break;
        }
    }

    public void Add(BucketCounts other)
    {
        Add(other, 1);
        Latencies.Merge(other.Latencies);
    }

    /// <inheritdoc cref="RollupBucket.Remove"/>
    public bool Remove(BucketCounts part)
    {
        Add(part, -1);
        return !Latencies.Remove(part.Latencies);
    }

    private void Add(BucketCounts other, int sign)
    {
        Chats += sign * other.Chats;
        Tokens += sign * other.Tokens;
        PromptTokens += sign * other.PromptTokens;
        CompletionTokens += sign * other.CompletionTokens;
        Up += sign * other.Up;
        Down += sign * other.Down;
        for (var role = 0; role < Roles.Length; role++)
            Roles[role] += sign * other.Roles[role];
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

internal enum AnalyticsEventKind
{
    Chat = 0,
    Message = 1,
    Feedback = 2,
}

/// <summary>
/// One chat, message or rating to be counted. At is in milliseconds since 1970. A rating that was replaced counts -1.
/// </summary>
internal readonly record struct AnalyticsEvent(
    AnalyticsEventKind Kind,
    long At,
    Guid? UserId,
    string? ExternalUserId,
    string[] Tags,
    int Role,
    int? LatencyMs,
    long Tokens,
    long PromptTokens,
    long CompletionTokens,
    int Up,
    int Down);
