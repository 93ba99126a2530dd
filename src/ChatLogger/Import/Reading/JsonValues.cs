using System.Buffers;
using System.Runtime.CompilerServices;

namespace ChatLogger.Import;

/// <summary>
/// Splits a file into JSON values: the elements of its one array, or values that follow each other. It counts brackets only, so that an
/// element that is malformed otherwise is an error of its own and the next one is found.
/// </summary>
internal sealed class JsonValues
{
    private static readonly SearchValues<byte> Structural = SearchValues.Create("\"{}[]"u8);
    private static readonly SearchValues<byte> EndOfScalar = SearchValues.Create(",]} \t\r\n"u8);

    private int _depth;
    private bool _inString;
    private int _scanned;

    private enum State
    {
        Between,
        Value,
        Scalar,
    }

    public static IAsyncEnumerable<Piece> Split(ReadBuffer buffer, CancellationToken ct) => new JsonValues().Read(buffer, ct);

    private async IAsyncEnumerable<Piece> Read(ReadBuffer buffer, [EnumeratorCancellation] CancellationToken ct)
    {
        await Lines.SkipByteOrderMark(buffer, ct);
        var isArray = await Next(buffer, ct) == '[';
        if (isArray)
            buffer.Advance(1);
        long number = 1;
        for (; await Next(buffer, ct) is { } first; number++)
        {
            if (isArray && first == ']')
                yield break;
            var state = first is (byte)'{' or (byte)'[' ? State.Value : State.Scalar;
            (_depth, _inString, _scanned) = (0, false, 0);
            var tooLong = false;
            while (!(state == State.Value ? ScanValue(buffer.Span) : ScanScalar(buffer.Span)) && !buffer.IsAtEnd)
            {
                if (_scanned > Piece.Longest)
                {
                    tooLong = true;
                    buffer.Advance(_scanned);
                    _scanned = 0;
                }
                await buffer.Read(ct);
            }
            if (tooLong)
                yield return new(number, default, Piece.TooLong);
            else if (buffer.Broken is null)
                yield return new(number, buffer.Unread[..Math.Max(_scanned, 1)], null);
            buffer.Advance(Math.Min(Math.Max(_scanned, 1), buffer.Unread.Length));
        }
        if (buffer.Broken is { } reason)
            yield return Piece.Broken(number, reason);
        else if (isArray)
            yield return Piece.Broken(number, "the array has no end");
    }

    /// <summary>Skips white space and commas; null at the end.</summary>
    private static async ValueTask<byte?> Next(ReadBuffer buffer, CancellationToken ct)
    {
        while (true)
        {
            var at = buffer.Span.IndexOfAnyExcept(", \t\r\n"u8);
            buffer.Advance(at < 0 ? buffer.Unread.Length : at);
            if (at >= 0)
                return buffer.Span[0];
            if (buffer.IsAtEnd)
                return null;
            await buffer.Read(ct);
        }
    }

    private bool ScanScalar(ReadOnlySpan<byte> bytes)
    {
        var end = bytes[_scanned..].IndexOfAny(EndOfScalar);
        _scanned = end < 0 ? bytes.Length : _scanned + end;
        return end >= 0;
    }

    // An escaped character at the end of what has been read is looked at again, together with its backslash.
    private bool ScanValue(ReadOnlySpan<byte> bytes)
    {
        while (_scanned < bytes.Length)
        {
            var rest = bytes[_scanned..];
            var at = _inString ? rest.IndexOfAny((byte)'"', (byte)'\\') : rest.IndexOfAny(Structural);
            if (at < 0)
            {
                _scanned = bytes.Length;
                return false;
            }
            if (rest[at] == '\\')
            {
                _scanned += at;
                if (at + 1 == rest.Length)
                    return false;
                _scanned += 2;
                continue;
            }
            _scanned += at + 1;
            if (rest[at] == '"')
                _inString = !_inString;
            else if (rest[at] is (byte)'{' or (byte)'[')
                _depth++;
            else if (--_depth == 0)
                return true;
        }
        return false;
    }
}
