using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>Where a JSON value comes from.</summary>
internal sealed class JsonSource(string format, Piece piece, FileContext context)
{
    public ImportOptions Options => context.Options;

    public ImportNotes Notes => context.Notes;

    public EmbeddedData Embedded => context.Embedded;

    /// <summary>The external id of the conversation with this id; without one, that of these bytes at this place.</summary>
    public string ExternalId(string? id) =>
        string.IsNullOrEmpty(id) ? Import.ExternalId.Of(format, piece.Bytes.Span, piece.Number) : Import.ExternalId.Of(format, id);

    public MetadataBuilder Metadata() => new(Notes);
}
