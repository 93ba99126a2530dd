namespace ChatLogger.ExportJobs;

/// <summary>Writes the file of an export from one consistent snapshot of the organization's conversations.</summary>
internal interface IExportWriter
{
    /// <summary>
    /// Streams the file into <paramref name="sink"/>, block after block (each at most 1 MiB, valid only during the call), in constant memory.
    /// <paramref name="progress"/> is told, from time to time, how many records are written of how many, and <paramref name="chat"/> of each chat that
    /// is in the file, before the block with its end is given away. Nothing is buffered when the task ends. Answers how many chats and messages the
    /// format left out.
    /// </summary>
    /// <exception cref="ExportFailed">The format is not known, or a row cannot be written; the message names it, in a sentence for the caller.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the file is not whole.</exception>
    Task<long> Write(
        ExportRequest request, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> sink, Action<long, long> progress, Action<Guid> chat, CancellationToken ct);

    /// <summary>How many messages the export would hold, counted up to <paramref name="most"/> and one more.</summary>
    Task<long> CountMessages(ExportRequest request, long most, CancellationToken ct);
}
