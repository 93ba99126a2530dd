using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace ChatLogger.Telemetry.Logs;

/// <summary>
/// Escapes only what JSON requires (RFC 8259, 7: the quote, the backslash, control characters). The framework's most relaxed encoder writes
/// an emoji as twelve ASCII characters.
/// </summary>
internal sealed class MinimalJsonEncoder : JavaScriptEncoder
{
    public static readonly MinimalJsonEncoder Instance = new();

    private static readonly SearchValues<byte> EscapedBytes = SearchValues.Create([
        .. Enumerable.Range(0, 0x20).Select(code => (byte)code),
        (byte)'"',
        (byte)'\\',
        0x7F,
    ]);

    private static readonly SearchValues<char> EscapedCharacters = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(code => (char)code), '"', '\\', '\u007F']);

    private MinimalJsonEncoder()
    {
    }

    // The longest escape has the form \u0000.
    public override int MaxOutputCharactersPerInputCharacter => 6;

    public override bool WillEncode(int unicodeScalar) => unicodeScalar is < 0x20 or '"' or '\\' or 0x7F;

    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var span = new ReadOnlySpan<char>(text, textLength);
        var escaped = span.IndexOfAny(EscapedCharacters);
        var before = escaped < 0 ? span : span[..escaped];
        // A lone surrogate is not a character; the writer replaces it.
        for (var at = before.IndexOfAnyInRange('\uD800', '\uDFFF'); at >= 0;)
        {
            if (Rune.DecodeFromUtf16(before[at..], out _, out var used) != OperationStatus.Done)
                return at;
            var next = before[(at + used)..].IndexOfAnyInRange('\uD800', '\uDFFF');
            at = next < 0 ? -1 : at + used + next;
        }
        return escaped;
    }

    public override int FindFirstCharacterToEncodeUtf8(ReadOnlySpan<byte> utf8Text)
    {
        var escaped = utf8Text.IndexOfAny(EscapedBytes);
        var before = escaped < 0 ? utf8Text : utf8Text[..escaped];
        if (System.Text.Unicode.Utf8.IsValid(before))
            return escaped;
        var at = 0;
        while (Rune.DecodeFromUtf8(before[at..], out _, out var used) == OperationStatus.Done)
            at += used;
        return at;
    }

    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        var output = new Span<char>(buffer, bufferLength);
        var letter = unicodeScalar switch
        {
            '"' => '"',
            '\\' => '\\',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\b' => 'b',
            '\f' => 'f',
            _ => '\0',
        };
        if (letter != '\0')
            return output.TryWrite($"\\{letter}", out numberOfCharactersWritten);
        return WillEncode(unicodeScalar)
            ? output.TryWrite(CultureInfo.InvariantCulture, $"\\u{unicodeScalar:x4}", out numberOfCharactersWritten)
            : new Rune(unicodeScalar).TryEncodeToUtf16(output, out numberOfCharactersWritten);
    }
}
