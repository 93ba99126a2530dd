namespace ChatLogger.ExportJobs;

/// <summary>Where the files of exports are.</summary>
internal interface IExportStore
{
    /// <summary>A new file, written under a lease. It can be read once the lease is completed.</summary>
    ExportFileWriter Create(ExportLease lease);

    /// <summary>
    /// A part of the file as it is, block by block; a block is valid until the next one is asked for. Between two blocks no connection is held, and
    /// no more is read: a slow reader keeps nobody waiting.
    /// </summary>
    /// <exception cref="EndOfStreamException">The file, or the rest of it, is not there any more.</exception>
    IAsyncEnumerable<ReadOnlyMemory<byte>> Read(ExportFile file, long offset, long length, CancellationToken ct);

    /// <inheritdoc cref="Read"/>
    /// <summary>The whole file in gzip encoding (RFC 1952), as one member.</summary>
    IAsyncEnumerable<ReadOnlyMemory<byte>> ReadGzip(ExportFile file, CancellationToken ct);

    /// <summary>Removes what was stored for an export, but for what the lease with the fence <paramref name="keep"/> has written.</summary>
    Task Delete(Guid orgId, Guid exportId, long? keep, CancellationToken ct);
}
