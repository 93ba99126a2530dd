using System.Runtime.CompilerServices;
using System.Text;

namespace ChatLogger.Import;

/// <summary>A record of a CSV file, and the line on which it begins; or the reason why there are no more.</summary>
internal readonly record struct CsvRecord(long Line, string[] Fields, string? Error);

/// <summary>
/// Splits CSV into records as RFC 4180 says, with any delimiter and any line ends. It reads from a buffer and holds one record at a time.
/// </summary>
internal sealed class CsvRecords(char delimiter)
{
    private readonly List<string> _fields = [];
    private readonly StringBuilder _field = new();
    private State _state = State.Start;
    private long _line = 1;
    private long _start = 1;

    private enum State
    {
        /// <summary>Before a field.</summary>
        Start,
        Plain,
        Quoted,

        /// <summary>After a quote within a quoted field: it ends the field, or is the first of two.</summary>
        Quote,

        /// <summary>After a carriage return that ended a record.</summary>
        Return,
    }

    public async IAsyncEnumerable<CsvRecord> Split(ReadBuffer buffer, [EnumeratorCancellation] CancellationToken ct)
    {
        var (decoder, letters) = (new UTF8Encoding(false, throwOnInvalidBytes: true).GetDecoder(), new char[4096]);
        while (true)
        {
            if (buffer.Unread.IsEmpty && !buffer.IsAtEnd)
                await buffer.Read(ct);
            var bytes = buffer.Unread[..Math.Min(buffer.Unread.Length, 2048)];
            if (bytes.IsEmpty && buffer.IsAtEnd)
                break;
            if (!TryDecode(decoder, bytes.Span, letters, out var count))
            {
                yield return new(_line, [], "not valid UTF-8");
                yield break;
            }
            buffer.Advance(bytes.Length);
            for (var i = 0; i < count; i++)
            {
                if (Take(letters[i]))
                    yield return Record();
            }
            if (_field.Length > Piece.Longest / sizeof(char))
            {
                yield return new(_start, [], $"a field is {Piece.TooLong}; a quote may be missing");
                yield break;
            }
        }
        if (buffer.Broken is { } reason)
            yield return new(_line, [], reason);
        else if (_state is State.Quoted)
            yield return new(_start, [], "a quote that is opened here is not closed");
        else if (_fields.Count > 0 || _field.Length > 0 || _state is State.Quote)
            yield return Record();
    }

    private static bool TryDecode(Decoder decoder, ReadOnlySpan<byte> bytes, Span<char> letters, out int count)
    {
        try
        {
            count = decoder.GetChars(bytes, letters, flush: false);
            return true;
        }
        catch (DecoderFallbackException)
        {
            count = 0;
            return false;
        }
    }

    /// <summary>Takes a character; whether a record has ended with it.</summary>
    private bool Take(char letter)
    {
        if (letter == '\n')
            _line++;
        if (_state == State.Return)
        {
            _state = State.Start;
            if (letter == '\n')
            {
                _start = _line;
                return false;
            }
        }
        if (_state == State.Quoted)
        {
            if (letter == '"')
                _state = State.Quote;
            else
                _field.Append(letter);
            return false;
        }
        if (letter == '"' && _state is (State.Start or State.Quote))
        {
            if (_state == State.Quote)
                _field.Append(letter);
            _state = State.Quoted;
            return false;
        }
        if (letter == delimiter)
        {
            EndField();
            return false;
        }
        if (letter is '\r' or '\n')
        {
            // An empty line is no record.
            var isEmpty = _fields.Count == 0 && _field.Length == 0 && _state == State.Start;
            _state = letter == '\r' ? State.Return : State.Start;
            if (isEmpty)
                _start = _line;
            return !isEmpty;
        }
        _field.Append(letter);
        _state = State.Plain;
        return false;
    }

    private void EndField()
    {
        _fields.Add(_field.ToString());
        _field.Clear();
        _state = State.Start;
    }

    private CsvRecord Record()
    {
        var state = _state;
        EndField();
        _state = state == State.Return ? State.Return : State.Start;
        var record = new CsvRecord(_start, [.. _fields], null);
        _fields.Clear();
        _start = _line;
        return record;
    }
}
