namespace ChatLogger.Import;

/// <summary>What has been read of a stream and not been consumed. It grows only as far as a caller does not consume.</summary>
internal sealed class ReadBuffer(Stream stream)
{
    private byte[] _bytes = new byte[64 * 1024];
    private int _start;
    private int _end;

    public ReadOnlyMemory<byte> Unread => _bytes.AsMemory(_start.._end);

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(_start.._end);

    /// <summary>Whether the stream has ended; what is unread is then the rest.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>Why the stream cannot be read further; null: it can, or it has ended.</summary>
    public string? Broken { get; private set; }

    public void Advance(int count) => _start += count;

    /// <summary>Reads more; memory that was returned by <see cref="Unread"/> is invalid afterwards.</summary>
    public async ValueTask Read(CancellationToken ct)
    {
        if (_start == _end)
            _start = _end = 0;
        if (_end == _bytes.Length)
            MakeRoom();
        try
        {
            // A terminal or a pipe cannot be asked to give up a read, so the wait is given up instead.
            var count = await stream.ReadAsync(_bytes.AsMemory(_end), CancellationToken.None).AsTask().WaitAsync(ct);
            _end += count;
            IsAtEnd = count == 0;
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            Broken = failure.Message;
            IsAtEnd = true;
        }
    }

    /// <summary>Reads until there are so many unread bytes, or the stream ends.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> Peek(int count, CancellationToken ct)
    {
        while (Unread.Length < count && !IsAtEnd)
            await Read(ct);
        return Unread[..Math.Min(count, Unread.Length)];
    }

    private void MakeRoom()
    {
        var unread = _end - _start;
        var target = unread > _bytes.Length / 2 ? new byte[2 * _bytes.Length] : _bytes;
        _bytes.AsSpan(_start, unread).CopyTo(target);
        (_bytes, _start, _end) = (target, 0, unread);
    }
}
