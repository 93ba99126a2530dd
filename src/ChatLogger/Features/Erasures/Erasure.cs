namespace ChatLogger.Features;

/// <summary>An erasure as the API shows it: whose chats are removed is an HMAC, for nobody is to read the name here.</summary>
internal sealed record Erasure(
    Guid Id,
    string State,
    string Subject,
    long Chats,
    long Messages,
    long Feedback,
    long Exports,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt,
    string? Receipt)
{
    /// <summary>The columns of a row of erasures that it is made of.</summary>
    public const string Columns =
        """
        id, state, encode(subject, 'hex') as subject, chats, messages, feedback, exports, started_at, finished_at,
        encode(receipt, 'hex') as receipt
        """;
}

/// <summary>The states of an erasure.</summary>
internal static class ErasureState
{
    public const string Queued = "queued";

    /// <summary>The chats are in no read any more, and are being removed.</summary>
    public const string Running = "running";

    public const string Done = "done";

    public static readonly IReadOnlyList<string> All = [Queued, Running, Done];
}

/// <summary>The kinds of what an erasure removes, as they are in <c>erased_ids</c> and in the file of them.</summary>
internal static class ErasedKind
{
    public const string Chat = "chat";
    public const string Message = "message";

    /// <summary>A rating, by the id of the chat or message that was rated.</summary>
    public const string Feedback = "feedback";

    public const string Export = "export";

    public static readonly IReadOnlyList<string> All = [Chat, Message, Feedback, Export];
}
