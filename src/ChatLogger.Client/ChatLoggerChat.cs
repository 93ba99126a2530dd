namespace ChatLogger.Client;

/// <summary>
/// A chat to which messages are logged. Its members may be called by several threads at once; they neither wait nor throw.
/// </summary>
public sealed class ChatLoggerChat
{
    private readonly ChatLoggerClient _client;

    internal ChatLoggerChat(ChatLoggerClient client, string? externalId, ChatLoggerChatFields? fields)
    {
        _client = client;
        IsNew = string.IsNullOrEmpty(externalId);
        ExternalId = IsNew ? RandomId() : externalId!;
        Fields = fields;
    }

    /// <summary>The caller's own name of the chat: with it another process goes on with the chat.</summary>
    public string ExternalId { get; }

    /// <summary>Whether the name was made here, so that nothing can have been said in the chat before.</summary>
    public bool IsNew { get; }

    /// <summary>The service's id, once it is known.</summary>
    public Guid? Id { get; internal set; }

    /// <summary>Its ref in a batch.</summary>
    internal string Ref { get; } = RandomId();

    internal ChatLoggerChatFields? Fields { get; }

    /// <summary>Queues a message.</summary>
    /// <param name="message">The message.</param>
    /// <returns>With it the message can be rated.</returns>
    public ChatLoggerLoggedMessage Message(ChatLoggerMessage message)
    {
        var logged = new ChatLoggerLoggedMessage(this);
        _client.Log(logged, message);
        return logged;
    }

    /// <summary>Queues a message that is text alone.</summary>
    /// <param name="role">As <see cref="ChatLoggerMessage.Role"/>.</param>
    /// <param name="content">The text.</param>
    /// <returns>With it the message can be rated.</returns>
    public ChatLoggerLoggedMessage Message(string role, string content) => Message(new ChatLoggerMessage(role, content));

    /// <summary>Rates the chat; the last rating wins.</summary>
    /// <param name="rating">The rating.</param>
    /// <param name="comment">At most 2,000 characters.</param>
    public void Feedback(ChatLoggerRating rating, string? comment = null) => _client.Rate(this, null, rating, comment);

    internal void Rate(ChatLoggerLoggedMessage message, ChatLoggerRating rating, string? comment) =>
        _client.Rate(this, message, rating, comment);

    internal static string RandomId() => Guid.NewGuid().ToString("N");
}

/// <summary>A message that was queued.</summary>
public sealed class ChatLoggerLoggedMessage
{
    internal ChatLoggerLoggedMessage(ChatLoggerChat chat) => Chat = chat;

    /// <summary>The chat to which it was logged.</summary>
    public ChatLoggerChat Chat { get; }

    /// <summary>The service's id, once it is known.</summary>
    public Guid? Id { get; internal set; }

    /// <summary>Its Idempotency-Key, and its ref in a batch.</summary>
    internal string Key { get; } = ChatLoggerChat.RandomId();

    /// <summary>Rates the message; the last rating wins.</summary>
    /// <param name="rating">The rating.</param>
    /// <param name="comment">At most 2,000 characters.</param>
    public void Feedback(ChatLoggerRating rating, string? comment = null) => Chat.Rate(this, rating, comment);
}
