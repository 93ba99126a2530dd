namespace ChatLogger.Import;

/// <summary>Reads the conversations of files of one format.</summary>
internal interface IImportFormat
{
    /// <summary>The value of <c>--format</c>.</summary>
    string Name { get; }

    /// <summary>Reads the entries of a file in their order, one at a time.</summary>
    IAsyncEnumerable<FileEntry> Read(ReadBuffer buffer, FileContext context, CancellationToken ct);
}
