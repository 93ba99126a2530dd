using System.Runtime.CompilerServices;

namespace ChatLogger.Import;

/// <summary>Splits a file into lines. Empty lines count but are left out.</summary>
internal static class Lines
{
    public static async IAsyncEnumerable<Piece> Split(ReadBuffer buffer, [EnumeratorCancellation] CancellationToken ct)
    {
        long number = 0;
        var (tooLong, searched) = (false, 0);
        await SkipByteOrderMark(buffer, ct);
        while (true)
        {
            var end = buffer.Span[searched..].IndexOf((byte)'\n');
            if (end >= 0 || buffer.IsAtEnd)
            {
                var length = end >= 0 ? searched + end : buffer.Unread.Length;
                if (end < 0 && length == 0 && !tooLong)
                    break;
                number++;
                if (tooLong)
                    yield return new(number, default, Piece.TooLong);
                else if (!IsBlank(buffer.Span[..length]) && !(end < 0 && buffer.Broken is not null))
                    yield return new(number, buffer.Unread[..length], null);
                buffer.Advance(end >= 0 ? length + 1 : length);
                (tooLong, searched) = (false, 0);
                if (end < 0)
                    break;
                continue;
            }
            searched = buffer.Unread.Length;
            if (searched > Piece.Longest)
            {
                tooLong = true;
                buffer.Advance(searched);
                searched = 0;
            }
            await buffer.Read(ct);
        }
        if (buffer.Broken is { } reason)
            yield return Piece.Broken(number + 1, reason);
    }

    public static async ValueTask SkipByteOrderMark(ReadBuffer buffer, CancellationToken ct)
    {
        if ((await buffer.Peek(3, ct)).Span is [0xEF, 0xBB, 0xBF])
            buffer.Advance(3);
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => !line.ContainsAnyExcept(" \t\r"u8);
}
