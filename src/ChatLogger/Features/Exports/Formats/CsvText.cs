using System.Buffers;

namespace ChatLogger.Features;

/// <summary>
/// Cells of RFC 4180. One that a spreadsheet would take for a formula, because it begins with <c>= + - @</c>, TAB, CR, LF or a full-width form
/// of them, begins with an apostrophe instead.
/// </summary>
internal static class CsvText
{
    // The semicolon and the tab need no quotes, but there are readers who guess the separator.
    private static readonly SearchValues<byte> Special = SearchValues.Create("\",;\t\r\n"u8);

    public static void Cell(this IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
            return;
        var special = text.IndexOfAny(Special);
        var quoted = special >= 0 || text[0] == ' ' || text[^1] == ' ';
        if (quoted)
            output.Byte((byte)'"');
        if (IsFormula(text))
            output.Byte((byte)'\'');
        if (quoted)
        {
            output.InsideQuotes(text);
            output.Byte((byte)'"');
        }
        else
        {
            output.Write(text);
        }
    }

    /// <summary>Text of a cell whose quotes are open.</summary>
    public static void InsideQuotes(this IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        for (var quote = text.IndexOf((byte)'"'); quote >= 0; quote = text.IndexOf((byte)'"'))
        {
            output.Write(text[..(quote + 1)]);
            output.Byte((byte)'"');
            text = text[(quote + 1)..];
        }
        output.Write(text);
    }

    /// <summary>The first row. The byte order mark, where it is asked for, comes before it.</summary>
    public static void Header(this IBufferWriter<byte> output, ExportStyle style, ReadOnlySpan<byte> columns)
    {
        if (style.Bom)
            output.Write("\uFEFF"u8);
        output.Write(columns);
        output.EndRow();
    }

    public static void Comma(this IBufferWriter<byte> output) => output.Byte((byte)',');

    public static void EndRow(this IBufferWriter<byte> output) => output.Write("\r\n"u8);

    public static void Cell(this IBufferWriter<byte> output, Guid? id)
    {
        if (id is { } value)
            output.Id(value);
    }

    public static void Cell(this IBufferWriter<byte> output, int? number)
    {
        if (number is { } value)
            output.Number(value);
    }

    // U+FF1D, U+FF0B, U+FF0D and U+FF20 are EF BC 9D, EF BC 8B, EF BC 8D and EF BC A0.
    private static bool IsFormula(ReadOnlySpan<byte> text) => text[0] switch
    {
        (byte)'=' or (byte)'+' or (byte)'-' or (byte)'@' or (byte)'\t' or (byte)'\r' or (byte)'\n' => true,
        0xEF => text.Length >= 3 && text[1] == 0xBC && text[2] is (0x9D or 0x8B or 0x8D or 0xA0),
        _ => false,
    };
}
