using System.Globalization;

namespace ChatLogger.Data;

/// <summary>Measures text as callers count it: in Unicode code points, not UTF-16 units.</summary>
internal static class Text
{
    public static int Length(ReadOnlySpan<char> text)
    {
        var length = text.Length;
        foreach (var unit in text)
        {
            if (char.IsLowSurrogate(unit))
                length--;
        }
        return length;
    }

    /// <summary>Treats empty text from a caller like absent text.</summary>
    public static string? NullIfEmpty(this string? text) => string.IsNullOrEmpty(text) ? null : text;

    /// <summary>Returns at most this many code points from the beginning, without splitting a grapheme cluster (UAX 29).</summary>
    public static string? Beginning(this string? text, int most)
    {
        if (text is null || text.Length <= most)
            return text;
        var (units, points) = (0, 0);
        while (units < text.Length)
        {
            var cluster = text.AsSpan(units, StringInfo.GetNextTextElementLength(text, units));
            var length = Length(cluster);
            if (points + length > most)
                break;
            units += cluster.Length;
            points += length;
        }
        // The first grapheme cluster alone is longer: part of it is better than nothing.
        return units > 0 || most == 0 ? text[..units] : string.Concat(text.EnumerateRunes().Take(most));
    }
}
