namespace ChatLogger.Client;

/// <summary>What waits in the queue: a message, a rating, or the mark of somebody who waits for what is before it.</summary>
internal sealed class Entry
{
    public Entry(TaskCompletionSource<bool> barrier) => (Barrier, Chat) = (barrier, null!);

    public Entry(ChatLoggerChat chat, ChatLoggerLoggedMessage? message, FeedbackItem? feedback, byte[]? json) =>
        (Chat, Message, Feedback, Json, NamesRef) = (chat, message, feedback, json, json is not null && chat.Id is null);

    public TaskCompletionSource<bool>? Barrier { get; }

    public ChatLoggerChat Chat { get; }

    public ChatLoggerLoggedMessage? Message { get; }

    public FeedbackItem? Feedback { get; }

    /// <summary>The JSON of a message: the service compares it byte by byte with what it got under the same key. Null: a rating.</summary>
    public byte[]? Json { get; set; }

    /// <summary>Whether the JSON names the chat by its ref, so that the chat must be in the same batch.</summary>
    public bool NamesRef { get; }

    /// <summary>Whether its time was refused, so that it is sent without.</summary>
    public bool IsWithoutTime { get; set; }
}
