using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>
/// Marks a question that is written before its answer has come with the exchange that it is of: others may speak before the answer comes,
/// and what was asked must not be written again with it.
/// </summary>
internal static class OpenQuestion
{
    /// <summary>The member of the metadata that holds the id of the exchange.</summary>
    public const string Member = "questionOf";

    /// <summary>What was said to the model, the last of it marked.</summary>
    public static IReadOnlyList<ImportedMessage> Of(string exchangeId, IReadOnlyList<ImportedMessage> input, ImportNotes notes)
    {
        if (input.Count == 0)
            return input;
        var last = input[^1];
        var metadata = new MetadataBuilder(notes).Add("reasoning", last.Metadata.Text("reasoning")).Add(Member, exchangeId).Build();
        return [.. input.SkipLast(1), last with { Metadata = metadata }];
    }
}
