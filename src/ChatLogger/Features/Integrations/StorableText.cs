using System.Text;
using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>
/// Text of a telemetry sender, which nobody can correct and send again: what the database cannot store (NUL, half of a surrogate pair) is
/// replaced by U+FFFD.
/// </summary>
internal static class StorableText
{
    public static string Of(string text)
    {
        if (TextSafety.IsSafe(text))
            return text;
        var safe = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            safe.Append((rune.Value == 0 ? Rune.ReplacementChar : rune).ToString());
        return safe.ToString();
    }

    public static string? OfOptional(string? text) => string.IsNullOrWhiteSpace(text) ? null : Of(text);
}
