namespace ChatLogger.Rollups;

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

    public Histogram Latencies { get; } = new();

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
    public bool Remove(BucketCounts part, BucketCounts? added)
    {
        Add(part, -1);
        return Latencies.Remove(part.Latencies, added?.Latencies);
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
