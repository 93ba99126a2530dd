namespace ChatLogger.Import;

/// <summary>What a buffer reads, as a stream, for libraries that take one.</summary>
internal sealed class BufferStream(ReadBuffer buffer) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        while (buffer.Unread.IsEmpty && !buffer.IsAtEnd)
            await buffer.Read(cancellationToken);
        var count = Math.Min(destination.Length, buffer.Unread.Length);
        buffer.Unread[..count].CopyTo(destination);
        buffer.Advance(count);
        return count;
    }

    public override Task<int> ReadAsync(byte[] destination, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(destination.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] destination, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] source, int offset, int count) => throw new NotSupportedException();
}
