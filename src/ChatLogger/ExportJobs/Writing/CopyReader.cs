using System.Buffers.Binary;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Reads the rows of a binary COPY and decodes them in place, without copying. Each row is a chat or, if it has a sequence number, a
/// message of the chat before it; both share the columns (<see cref="ExportSql.Copy"/>). The buffer grows to the size of the largest row
/// and no further.
/// </summary>
internal sealed class CopyReader(Stream stream)
{
    private const int Columns = 22;
    // Each row begins with the number of its columns. The trailer consists of the column count -1 only.
    private const int Trailer = 2;
    private const long UnixMicroseconds2000 = 946_684_800_000_000;

    private static readonly byte[] Signature = [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8];

    private byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;
    private bool _begun;
    private Guid _chat;
    private Guid? _message;
    private long _seq;

    /// <summary>The current chat or message, for error messages.</summary>
    public string Where => _message is { } message ? $"Message {message} of chat {_chat}" : $"Chat {_chat}";

    /// <summary>The chat that the last row belongs to.</summary>
    public Guid ChatId => _chat;

    /// <summary>Whether the trailer has been read, so that all rows have arrived.</summary>
    public bool Complete { get; private set; }

    /// <summary>Reads more bytes into the buffer; false at the end of the stream.</summary>
    /// <param name="broken">
    /// Cancels the read by breaking the connection, if need be in the middle of a protocol message. It is for a server that does not react
    /// to a cancel request.
    /// </param>
    public async ValueTask<bool> Fill(CancellationToken broken)
    {
        if (_start == _end)
            _start = _end = 0;
        if (_end == _buffer.Length)
        {
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                _end -= _start;
                _start = 0;
            }
            else
            {
                Array.Resize(ref _buffer, checked(_buffer.Length * 2));
            }
        }
        var read = await stream.ReadAsync(_buffer.AsMemory(_end), broken);
        _end += read;
        return read > 0;
    }

    /// <summary>Passes the next row to <paramref name="file"/>; <see cref="ReadResult.None"/>: more bytes are needed first.</summary>
    public ReadResult Next(IExportRowWriter file)
    {
        var bytes = _buffer.AsSpan(_start, _end - _start);
        if (!_begun)
        {
            // The header: the signature, flags, and the length of an extension area that PostgreSQL does not use.
            if (bytes.Length < Signature.Length + 8)
                return ReadResult.None;
            if (!bytes.StartsWith(Signature))
                throw new InvalidDataException("The answer is no binary COPY.");
            _begun = true;
            _start += Signature.Length + 8;
            return Next(file);
        }

        var length = LengthOfRow(bytes);
        if (length == 0)
            return ReadResult.None;
        _start += length;
        if (length == Trailer)
        {
            if (_chat != default)
                file.EndChat();
            Complete = true;
            return ReadResult.None;
        }
        var fields = new Fields(bytes[2..length]);
        return fields.Long() is { } seq ? Message(ref fields, seq, file) : Chat(ref fields, file);
    }

    private ReadResult Chat(ref Fields fields, IExportRowWriter file)
    {
        if (_chat != default)
            file.EndChat();
        _chat = fields.Id()!.Value;
        _message = null;
        _seq = 0;
        var owner = fields.Id();
        var title = fields.Text();
        var externalUserId = fields.Text();
        var metadata = fields.Text();
        var tags = fields.Text();
        var count = fields.Int() ?? 0;
        var assistant = (ExportedAssistant)(fields.Int() ?? 0);
        fields.Skip(2);
        return file.Chat(new ExportedChat
        {
            Id = _chat,
            Title = title,
            Tags = tags,
            Metadata = metadata,
            UserId = owner,
            ExternalUserId = externalUserId,
            MessageCount = count,
            Assistant = assistant,
            CreatedAt = fields.Time()!.Value,
            UpdatedAt = fields.Time()!.Value,
            FirstMessageAt = fields.Time(),
            LastMessageAt = fields.Time(),
            Feedback = fields.Feedback(),
            ExternalId = fields.Text(),
        }) ? ReadResult.Chat : ReadResult.LeftOut;
    }

    private ReadResult Message(ref Fields fields, long seq, IExportRowWriter file)
    {
        _message = fields.Id();
        if (fields.Id() != _chat || seq <= _seq)
            throw new InvalidDataException("The rows are out of order.");
        _seq = seq;
        var role = fields.Text();
        var content = fields.Text();
        var metadata = fields.Text();
        var model = fields.Text();
        var (latency, tokens, promptTokens, completionTokens) = (fields.Int(), fields.Int(), fields.Int(), fields.Int());
        var createdAt = fields.Time()!.Value;
        fields.Skip(3);
        var message = new ExportedMessage
        {
            Id = _message!.Value,
            ChatId = _chat,
            Role = role,
            Content = content,
            Metadata = metadata,
            Model = model,
            LatencyMs = latency,
            TokenCount = tokens,
            PromptTokens = promptTokens,
            CompletionTokens = completionTokens,
            CreatedAt = createdAt,
            Feedback = fields.Feedback(),
            Name = fields.Text(),
            ToolCallId = fields.Text(),
            ToolCalls = fields.Text(),
            Parts = fields.Text(),
        };
        return file.Message(message) ? ReadResult.Message : ReadResult.LeftOut;
    }

    // 0: the buffer does not hold the complete row yet.
    private static int LengthOfRow(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 2)
            return 0;
        var columns = BinaryPrimitives.ReadInt16BigEndian(bytes);
        if (columns == -1)
            return Trailer;
        if (columns != Columns)
            throw new InvalidDataException("The answer has other columns than were asked for.");
        var length = 2L;
        for (var column = 0; column < Columns; column++)
        {
            if (length + 4 > bytes.Length)
                return 0;
            length += 4 + Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(bytes[(int)length..]));
        }
        return length <= bytes.Length ? (int)length : 0;
    }

    internal enum ReadResult
    {
        None,
        Chat,
        Message,
        LeftOut,
    }

    private ref struct Fields(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        /// <summary>Reads the next field; empty if it is null.</summary>
        public ReadOnlySpan<byte> Text()
        {
            var length = Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(_rest));
            var field = _rest.Slice(4, length);
            _rest = _rest[(4 + length)..];
            return field;
        }

        public Guid? Id() => Text() is { Length: 16 } field ? new Guid(field, bigEndian: true) : null;

        public int? Int() => Text() is { Length: 4 } field ? BinaryPrimitives.ReadInt32BigEndian(field) : null;

        public long? Long() => Text() is { Length: 8 } field ? BinaryPrimitives.ReadInt64BigEndian(field) : null;

        public DateTime? Time() => Long() is { } microseconds
            ? DateTime.UnixEpoch.AddTicks(checked((microseconds + UnixMicroseconds2000) * TimeSpan.TicksPerMicrosecond))
            : null;

        public ExportedFeedback Feedback()
        {
            var rating = Text();
            var comment = Text();
            return new() { Rating = rating, Comment = comment, At = Time() ?? default };
        }

        public void Skip(int fields)
        {
            for (; fields > 0; fields--)
                Text();
        }
    }
}
