using System.Globalization;
using System.Text;

namespace ChatLogger.Bench;

/// <summary>Makes foreign text fit to print: quoted, cut, and without anything a terminal would obey.</summary>
internal static class Excerpt
{
    private const int Width = 60;

    public static string Of(string text, int around = 0)
    {
        var start = Math.Max(0, Math.Min(around, text.Length) - Width / 3);
        if (start > 0 && char.IsLowSurrogate(text[start]))
            start--;
        var end = Math.Min(text.Length, start + Width);
        if (end < text.Length && char.IsLowSurrogate(text[end]))
            end--;

        var shown = new StringBuilder(start > 0 ? "…\"" : "\"");
        foreach (var rune in text.AsSpan(start, end - start).EnumerateRunes())
            Append(shown, rune);
        return shown.Append(end < text.Length ? "\"…" : "\"").ToString();
    }

    /// <summary>Where two texts part, in characters.</summary>
    public static int Parting(string one, string other) => one.AsSpan().CommonPrefixLength(other);

    private static void Append(StringBuilder shown, Rune rune)
    {
        if (rune.Value is '"' or '\\')
            shown.Append('\\').Append(rune);
        else if (IsPrintable(rune))
            shown.Append(rune);
        else
            shown.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X}}}");
    }

    // Format characters include the ones that turn the direction of a line around.
    private static bool IsPrintable(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is not (
                UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned);
}
