namespace ChatLogger.ExportJobs;

/// <summary>Writes the file of an export from one consistent snapshot of the organization's conversations.</summary>
internal interface IExportWriter
{
    /// <summary>
    /// Streams the file into <paramref name="sink"/> in constant memory, block after block (each at most 1 MiB, valid only during the
    /// call). It calls <paramref name="progress"/> from time to time with the number of records written and their total, and
    /// <paramref name="chat"/> for each chat in the file, before it passes on the block with the end of that chat. When the task ends, the
    /// sink has received everything. Returns how many chats and messages the format left out.
    /// </summary>
    /// <exception cref="ExportFailed">
    /// The format is unknown, or a row cannot be written; the message names it in a sentence for the caller.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the file is incomplete.</exception>
    Task<long> Write(
        ExportRequest request,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> sink,
        Action<long, long> progress,
        Action<Guid> chat,
        CancellationToken ct);

    /// <summary>Counts the messages of the export, but stops at <paramref name="most"/> + 1.</summary>
    Task<long> CountMessages(ExportRequest request, long most, CancellationToken ct);
}
