namespace ChatLogger.Http;

/// <summary>Text as callers count it: in Unicode code points, not in UTF-16 units.</summary>
internal static class Text
{
    public static int Length(string text)
    {
        var length = text.Length;
        foreach (var unit in text)
        {
            if (char.IsLowSurrogate(unit))
                length--;
        }
        return length;
    }

    /// <summary>In what a caller sends, empty text and no text are the same.</summary>
    public static string? NullIfEmpty(this string? text) => string.IsNullOrEmpty(text) ? null : text;
}
