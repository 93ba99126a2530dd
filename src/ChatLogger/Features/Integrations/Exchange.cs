using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>
/// One call of a model, as an integration has received it: what was said to the model, which often repeats the whole conversation, and
/// what it answered.
/// </summary>
internal sealed record Exchange
{
    /// <summary>Names the conversation: the <c>externalId</c> of its chat.</summary>
    public required string ConversationId { get; init; }

    /// <summary>Names the exchange: the same each time that it is sent. Its answers carry it in their metadata.</summary>
    public required string Id { get; init; }

    /// <summary>By what the sender may name it later without the conversation; if that is gone, so is what they name.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    public string? ExternalUserId { get; init; }

    public string? Title { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    public required DateTimeOffset StartedAt { get; init; }

    public required DateTimeOffset EndedAt { get; init; }

    public required IReadOnlyList<ImportedMessage> Input { get; init; }

    public required IReadOnlyList<ImportedMessage> Output { get; init; }
}
