namespace ChatLogger.ExportJobs;

/// <summary>Stores the files of exports.</summary>
internal interface IExportStore
{
    /// <summary>
    /// Creates a file that is written under a lease. It can be read once <see cref="ExportLeases.Complete"/> has succeeded.
    /// </summary>
    ExportFileWriter Create(ExportLease lease);

    /// <summary>
    /// Reads a range of the uncompressed file, block by block. A block is valid until the next one is requested. Between two blocks the
    /// store holds no connection and reads nothing ahead, so a slow reader does not occupy the pool.
    /// </summary>
    /// <exception cref="EndOfStreamException">The file, or the rest of it, no longer exists.</exception>
    IAsyncEnumerable<ReadOnlyMemory<byte>> Read(ExportFile file, long offset, long length, CancellationToken ct);

    /// <inheritdoc cref="Read"/>
    /// <summary>Reads the whole file in gzip encoding (RFC 1952), as one member.</summary>
    IAsyncEnumerable<ReadOnlyMemory<byte>> ReadGzip(ExportFile file, CancellationToken ct);

    /// <summary>Deletes what was stored for an export, except what the lease with the fence <paramref name="keep"/> has written.</summary>
    Task Delete(Guid orgId, Guid exportId, long? keep, CancellationToken ct);
}
