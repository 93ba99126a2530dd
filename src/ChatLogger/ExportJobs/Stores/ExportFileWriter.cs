using System.Security.Cryptography;

namespace ChatLogger.ExportJobs;

/// <summary>Writes the file of an export, block after block. The file is incomplete until <see cref="Finish"/> returns.</summary>
internal abstract class ExportFileWriter : IAsyncDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>The length of the file so far.</summary>
    protected long Length { get; private set; }

    /// <exception cref="LeaseLost">This worker no longer holds the lease.</exception>
    public async ValueTask Append(ReadOnlyMemory<byte> block, CancellationToken ct)
    {
        _hash.AppendData(block.Span);
        Length += block.Length;
        await Write(block, ct);
    }

    /// <summary>Completes the file durably and returns its length and hash.</summary>
    /// <inheritdoc cref="Append" path="/exception"/>
    public async Task<(long Bytes, byte[] Sha256)> Finish(CancellationToken ct)
    {
        await Flush(ct);
        return (Length, _hash.GetHashAndReset());
    }

    /// <summary>Deletes a finished file whose lease was lost. What this leaves behind, <see cref="ExportCleanup"/> deletes.</summary>
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
