namespace ChatLogger.Rollups;

/// <summary>
/// What is counted of a chat: its state as it was counted, and all of its messages and ratings. Times are in milliseconds since 1970.
/// </summary>
internal sealed class ChatSum(Guid chatId, long createdAt, PersonKey person)
{
    public Guid ChatId => chatId;

    public long CreatedAt => createdAt;

    public PersonKey Person => person;

    /// <summary>The tags, by their <see cref="DimensionIds"/>.</summary>
    public int[] Tags { get; set; } = [];

    /// <summary>The models of its messages, by their <see cref="DimensionIds"/>, in ascending order.</summary>
    public int[] Models { get; set; } = [];

    public long Messages { get; set; }

    public long? FirstAt { get; set; }

    public long? LastAt { get; set; }

    public long? FirstAssistantAt { get; set; }

    public long FeedbackUp { get; set; }

    public long FeedbackDown { get; set; }

    /// <summary>Adds an event of the chat. <paramref name="model"/> 0: none.</summary>
    public void Add(AnalyticsEvent what, int model)
    {
        if (what.Kind == AnalyticsEventKind.Message)
        {
            Messages++;
            FirstAt = Earlier(FirstAt, what.At);
            LastAt = -Earlier(-LastAt, -what.At);
            if (what.IsAssistant)
                FirstAssistantAt = Earlier(FirstAssistantAt, what.At);
            if (model != 0 && !Models.Contains(model))
                Models = [.. Models.Append(model).Order()];
        }
        else
        {
            FeedbackUp += what.Up;
            FeedbackDown += what.Down;
        }
    }

    /// <summary>Takes the counts of messages and ratings from the chat's quarters.</summary>
    public void Recount(IEnumerable<ChatQuarter> quarters)
    {
        (Messages, FirstAt, LastAt, FirstAssistantAt, FeedbackUp, FeedbackDown, Models) = (0, null, null, null, 0, 0, []);
        foreach (var quarter in quarters)
        {
            foreach (var (model, counts) in quarter.Models)
            {
                Messages += counts.Messages;
                FeedbackUp += counts.Up;
                FeedbackDown += counts.Down;
                if (model != 0)
                    Models = [.. Models.Append(model).Distinct().Order()];
            }
            FirstAt = Earlier(FirstAt, quarter.FirstAt);
            LastAt = -Earlier(-LastAt, -quarter.LastAt);
            FirstAssistantAt = Earlier(FirstAssistantAt, quarter.FirstAssistantAt);
        }
    }

    public static long? Earlier(long? one, long? other) => one is null || other < one ? other : one;
}

/// <summary>
/// The part of the counts of a chat in a quarter of an hour, by model (0: none, where also its creation and its ratings are counted).
/// Times are of messages, in milliseconds since 1970.
/// </summary>
internal sealed class ChatQuarter
{
    public SortedDictionary<int, BucketCounts> Models { get; } = [];

    /// <summary>The time of the last message of each model.</summary>
    public Dictionary<int, long> LastTimes { get; } = [];

    public long? FirstAt { get; set; }

    public long? LastAt => LastTimes.Count == 0 ? null : LastTimes.Values.Max();

    public long? FirstAssistantAt { get; set; }

    public bool IsEmpty => Models.Values.All(counts => counts.IsEmpty);

    /// <summary>Adds an event. <paramref name="model"/> 0: none.</summary>
    public void Add(AnalyticsEvent what, int model)
    {
        if (!Models.TryGetValue(model, out var counts))
            Models.Add(model, counts = new BucketCounts());
        counts.Add(what);
        if (counts.IsEmpty)
            Models.Remove(model);
        if (what.Kind != AnalyticsEventKind.Message)
            return;
        FirstAt = ChatSum.Earlier(FirstAt, what.At);
        LastTimes[model] = Math.Max(LastTimes.GetValueOrDefault(model, long.MinValue), what.At);
        if (what.IsAssistant)
            FirstAssistantAt = ChatSum.Earlier(FirstAssistantAt, what.At);
    }

    /// <summary>The same with the messages of one model only; null: all of them.</summary>
    public ChatQuarter OfModel(int? model)
    {
        if (model is null)
            return this;
        var part = WithoutMessages();
        if (Models.TryGetValue(model.Value, out var counts))
            part.Models[model.Value] = counts;
        if (LastTimes.TryGetValue(model.Value, out var last))
            part.LastTimes[model.Value] = last;
        return part;
    }

    /// <summary>The same without its messages.</summary>
    public ChatQuarter WithoutMessages()
    {
        var rest = new ChatQuarter();
        var counts = new BucketCounts { Chats = Models.Values.Sum(model => model.Chats) };
        (counts.Up, counts.Down) = (Models.Values.Sum(model => model.Up), Models.Values.Sum(model => model.Down));
        if (!counts.IsEmpty)
            rest.Models.Add(0, counts);
        return rest;
    }

    /// <summary>Adds what this counts to the bucket of its quarter, or of a longer span that contains it.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="sum">The chat.</param>
    /// <param name="tags">Under which tags.</param>
    public void AddTo(RollupBucket bucket, ChatSum sum, int[] tags)
    {
        foreach (var (model, counts) in Models)
        {
            bucket.Counts.Add(counts);
            if (model != 0 && counts.Messages > 0)
                bucket.AddModel(model, new(counts.Messages, counts.Tokens, counts.PromptTokens, counts.CompletionTokens));
        }
        var (chats, messages) = (Models.Values.Sum(counts => counts.Chats), Models.Values.Sum(counts => counts.Messages));
        if (chats == 0 && messages == 0)
            return;
        var lastSeen = Math.Max(LastAt ?? long.MinValue, chats > 0 ? sum.CreatedAt : long.MinValue);
        bucket.Add(sum.Person, new(chats, messages, Models.Values.Sum(counts => counts.Tokens), lastSeen));
        AddTagsTo(bucket, tags);
    }

    public void AddTagsTo(RollupBucket bucket, int[] tags)
    {
        var use = new TagCounts(Models.Values.Sum(counts => counts.Chats), Models.Values.Sum(counts => counts.Messages));
        if (use is { Chats: 0, Messages: 0 })
            return;
        foreach (var tag in tags)
            bucket.AddTag(tag, use);
    }
}
