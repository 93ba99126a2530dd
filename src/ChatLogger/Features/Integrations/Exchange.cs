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

    /// <summary>What was said to the model; nothing after <see cref="Take"/>.</summary>
    public required IReadOnlyList<ImportedMessage> Input { get; set; }

    /// <summary>What it answered; nothing after <see cref="Take"/>.</summary>
    public required IReadOnlyList<ImportedMessage> Output { get; set; }

    /// <summary>How many messages it has.</summary>
    public int Count => Input.Count + Output.Count;

    /// <summary>
    /// Gives away what was said, for the one who writes it: most of it is there already, and need not be kept in memory while the rest is
    /// written.
    /// </summary>
    public (IReadOnlyList<ImportedMessage> Input, IReadOnlyList<ImportedMessage> Output) Take()
    {
        var taken = (Input, Output);
        (Input, Output) = ([], []);
        return taken;
    }
}
