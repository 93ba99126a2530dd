using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>A conversation of a file in the terms of the service, or a piece of one that is too long to be held whole.</summary>
internal sealed record ImportedConversation
{
    /// <summary>Its id in the source; null: the source gives it none.</summary>
    public string? Id { get; init; }

    /// <summary>The <c>externalId</c> of the chat: the same each time that the same file is read.</summary>
    public required string ExternalId { get; init; }

    public string? Title { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>An object, or undefined.</summary>
    public JsonElement Metadata { get; init; }

    /// <summary>The member whose chat it was where it comes from.</summary>
    public string? UserId { get; init; }

    public string? ExternalUserId { get; init; }

    public DateTimeOffset? CreatedAt { get; init; }

    public ImportedFeedback? Feedback { get; init; }

    public required IReadOnlyList<ImportedMessage> Messages { get; init; }

    /// <summary>The index of the first of these messages in the conversation: more than 0 in a piece that continues another.</summary>
    public int From { get; init; }

    /// <summary>Whether more pieces of the conversation follow.</summary>
    public bool Continues { get; init; }
}
