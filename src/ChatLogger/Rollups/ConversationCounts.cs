namespace ChatLogger.Rollups;

/// <summary>What one chat adds to the statistics of conversations. Times are in milliseconds; null: it has no such message.</summary>
internal readonly record struct Conversation(long Messages, long? FirstAssistantMs, long? DurationMs, long Up, long Down)
{
    /// <param name="sum">The sums of the chat.</param>
    public static Conversation Of(ChatSum sum) => new(
        sum.Messages,
        sum.FirstAssistantAt is { } reply ? Math.Max(0, reply - sum.CreatedAt) : null,
        sum.LastAt - sum.FirstAt,
        sum.FeedbackUp,
        sum.FeedbackDown);
}

/// <summary>Statistics of the conversations that began in a span of time, each with all of its messages and ratings.</summary>
internal sealed class ConversationCounts
{
    public long WithFeedback { get; set; }

    public long Up { get; set; }

    public long Down { get; set; }

    /// <summary>The numbers of messages of the conversations.</summary>
    public Histogram Messages { get; } = new();

    /// <summary>The times to the first message of an assistant.</summary>
    public Histogram FirstAssistant { get; } = new();

    /// <summary>The times from the first message to the last.</summary>
    public Histogram Durations { get; } = new();

    public long Chats => Messages.Count;

    public bool IsEmpty => Chats == 0;

    public void Add(Conversation conversation)
    {
        WithFeedback += conversation.Up + conversation.Down > 0 ? 1 : 0;
        Up += conversation.Up;
        Down += conversation.Down;
        Messages.Add(conversation.Messages);
        if (conversation.FirstAssistantMs is { } first)
            FirstAssistant.Add(first);
        if (conversation.DurationMs is { } duration)
            Durations.Add(duration);
    }

    public void Add(ConversationCounts other)
    {
        Add(other, 1);
        Messages.Merge(other.Messages);
        FirstAssistant.Merge(other.FirstAssistant);
        Durations.Merge(other.Durations);
    }

    /// <summary>
    /// Replaces what one chat added. False: a number became smaller, as the time to the first message of an assistant does where a message
    /// is dated back, and the greatest one may be that of before.
    /// </summary>
    public bool Replace(Conversation before, Conversation after)
    {
        var (added, removed) = (new ConversationCounts(), new ConversationCounts());
        added.Add(after);
        removed.Add(before);
        Add(added);
        return Remove(removed, added);
    }

    /// <inheritdoc cref="RollupBucket.Remove"/>
    public bool Remove(ConversationCounts part, ConversationCounts? added)
    {
        Add(part, -1);
        return Messages.Remove(part.Messages, added?.Messages)
            & FirstAssistant.Remove(part.FirstAssistant, added?.FirstAssistant)
            & Durations.Remove(part.Durations, added?.Durations);
    }

    private void Add(ConversationCounts other, int sign)
    {
        WithFeedback += sign * other.WithFeedback;
        Up += sign * other.Up;
        Down += sign * other.Down;
    }
}
