using System.Text;
using ChatLogger.Data;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// Fits a foreign conversation to what the service takes by default: it cuts names that are too long and leaves out messages that say
/// nothing. What is said is never cut; the service refuses what is too long.
/// </summary>
internal static class Fitted
{
    private const int NameLength = 200;
    private const int TagLength = 64;
    private const int MaxTags = 20;
    private const int UserLength = 128;
    private const int ModelLength = 100;
    private const int CommentLength = 2_000;
    private const int MaxCount = 10_000_000;
    private const int MaxLatencyMs = 86_400_000;

    public static ImportedConversation Conversation(ImportedConversation conversation, ImportNotes notes) => conversation with
    {
        Title = Cut(conversation.Title, NameLength, "titles cut", notes),
        Tags = Tags(conversation.Tags, notes),
        ExternalUserId = Cut(conversation.ExternalUserId, UserLength, "names of end users cut", notes),
        CreatedAt = conversation.CreatedAt ?? conversation.Messages.FirstOrDefault(message => message.CreatedAt is not null)?.CreatedAt,
        Messages = [.. conversation.Messages.Where(message => Says(message, notes)).Select(message => Message(message, notes))],
    };

    private static bool Says(ImportedMessage message, ImportNotes notes)
    {
        if (message.SaysSomething)
            return true;
        notes.Add("messages left out that say nothing");
        return false;
    }

    private static ImportedMessage Message(ImportedMessage message, ImportNotes notes) => message with
    {
        Name = Cut(message.Name, UserLength, "names of tools and participants cut", notes),
        ToolCallId = message.Role is "tool" or "function" ? Cut(message.ToolCallId, UserLength, "ids of calls cut", notes) : null,
        Model = Cut(message.Model, ModelLength, "names of models cut", notes),
        LatencyMs = message.LatencyMs is <= MaxLatencyMs ? message.LatencyMs : null,
        TokenCount = message.TokenCount is <= MaxCount ? message.TokenCount : null,
        PromptTokens = message.PromptTokens is <= MaxCount ? message.PromptTokens : null,
        CompletionTokens = message.CompletionTokens is <= MaxCount ? message.CompletionTokens : null,
        Feedback = message.Feedback is { Comment: { } comment } feedback
            ? feedback with { Comment = Cut(comment, CommentLength, "comments cut", notes) }
            : message.Feedback,
    };

    private static List<string> Tags(IReadOnlyList<string> tags, ImportNotes notes)
    {
        var fitted = tags
            .Select(tag => Cut(tag.Trim(), TagLength, "tags cut", notes)!)
            .Where(tag => tag.Length > 0)
            .Distinct(StringComparer.Ordinal)
            .ToList();
        if (fitted.Count <= MaxTags)
            return fitted;
        notes.Add($"tags left out beyond {MaxTags} of a chat", fitted.Count - MaxTags);
        return fitted[..MaxTags];
    }

    private static string? Cut(string? text, int most, string what, ImportNotes notes)
    {
        if (string.IsNullOrWhiteSpace(text))
            return null;
        if (Text.Length(text) <= most)
            return text;
        notes.Add(what);
        var cut = new StringBuilder();
        foreach (var rune in text.EnumerateRunes().Take(most))
            cut.Append(rune);
        return cut.ToString();
    }
}
