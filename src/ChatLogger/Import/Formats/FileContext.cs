using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>What a format knows of the file that it reads.</summary>
/// <param name="FileName">Without folder, and without the ending of gzip.</param>
/// <param name="Options">What the caller wants.</param>
/// <param name="Notes">Where the format counts what it leaves out.</param>
internal sealed record FileContext(string FileName, ImportOptions Options, ImportNotes Notes)
{
    private EmbeddedData? _embedded;

    public EmbeddedData Embedded => _embedded ??= new(Notes);
}
