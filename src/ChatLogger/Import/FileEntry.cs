namespace ChatLogger.Import;

/// <summary>What was found at one place of a file: a conversation, or the reason why there is none.</summary>
/// <param name="Number">The line, item or row, from 1.</param>
/// <param name="Where">The place in words: <c>line 12</c>.</param>
/// <param name="Conversation">The conversation; null: there is an error.</param>
/// <param name="Error">What is wrong; null: there is a conversation.</param>
internal sealed record FileEntry(long Number, string Where, ImportedConversation? Conversation, string? Error)
{
    /// <summary>Whether the file could not be read beyond this place, so that nobody knows what else is in it.</summary>
    public bool IsEnd { get; init; }
}
