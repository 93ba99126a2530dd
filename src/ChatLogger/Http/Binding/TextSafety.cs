using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;

namespace ChatLogger.Http;

/// <summary>
/// Detects text that PostgreSQL cannot store or would not return as sent: invalid UTF-8, NUL, lone surrogates. The check runs on the raw
/// bytes of the body, so it covers every slice, every object key and every value inside metadata.
/// </summary>
internal static class TextSafety
{
    /// <summary>Returns why the bytes cannot be stored, and at which offset; null when they can.</summary>
    public static (string Sentence, int Offset)? Check(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
            return ("Is not valid UTF-8.", 0);

        // Valid JSON contains no raw NUL and valid UTF-8 no raw surrogate, so only escapes remain to check. Most bodies have none.
        for (var at = 0; json[at..].IndexOf((byte)'\\') is >= 0 and var ahead;)
        {
            at += ahead;
            if (at + 1 >= json.Length)
                return null; // Not JSON; the parser reports it.
            if (json[at + 1] != (byte)'u')
                at += 2;
            else if (!TryReadUnit(json, at, out var unit))
                return null; // Not JSON either.
            else if (unit == 0)
                return ("The character NUL (U+0000) cannot be stored.", at);
            else if (char.IsHighSurrogate(unit) && TryReadUnit(json, at + 6, out var low) && char.IsLowSurrogate(low))
                at += 12;
            else if (char.IsSurrogate(unit))
                return ("Half of a surrogate pair is not a character.", at);
            else
                at += 6;
        }
        return null;
    }

    /// <summary>Whether text from outside a JSON body can be stored.</summary>
    public static bool IsSafe(ReadOnlySpan<char> text)
    {
        for (var rest = text; rest.Length > 0;)
        {
            if (rest[0] == '\0' || Rune.DecodeFromUtf16(rest, out _, out var used) != System.Buffers.OperationStatus.Done)
                return false;
            rest = rest[used..];
        }
        return true;
    }

    private static bool TryReadUnit(ReadOnlySpan<byte> json, int at, out char unit)
    {
        unit = default;
        if (at + 6 > json.Length || json[at] != (byte)'\\' || json[at + 1] != (byte)'u')
            return false;
        if (!Utf8Parser.TryParse(json.Slice(at + 2, 4), out ushort value, out var used, 'X') || used != 4)
            return false;
        unit = (char)value;
        return true;
    }
}
