using System.Security.Cryptography;

namespace ChatLogger.ExportJobs;

/// <summary>Writes the file of an export, block after block; not whole before <see cref="Finish"/>.</summary>
internal abstract class ExportFileWriter : IAsyncDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>How long the file is so far.</summary>
    protected long Length { get; private set; }

    /// <exception cref="LeaseLost">The export is not this worker's any more.</exception>
    public async ValueTask Append(ReadOnlyMemory<byte> block, CancellationToken ct)
    {
        _hash.AppendData(block.Span);
        Length += block.Length;
        await Write(block, ct);
    }

    /// <summary>All of it is stored for good: what it came to.</summary>
    /// <inheritdoc cref="Append" path="/exception"/>
    public async Task<(long Bytes, byte[] Sha256)> Finish(CancellationToken ct)
    {
        await Flush(ct);
        return (Length, _hash.GetHashAndReset());
    }

    /// <summary>It was finished, and is nobody's. What this leaves, the sweep finds.</summary>
    public virtual void Discard()
    {
    }

    public virtual ValueTask DisposeAsync()
    {
        _hash.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    protected abstract ValueTask Write(ReadOnlyMemory<byte> block, CancellationToken ct);

    protected abstract Task Flush(CancellationToken ct);
}
