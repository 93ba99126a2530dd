using System.Globalization;

namespace ChatLogger.SearchIndex;

/// <summary>A part of a message to show beside its chat.</summary>
internal static class Snippet
{
    /// <summary>Its length at most, in characters; what is cut off at an end is an ellipsis.</summary>
    public const int MaxCharacters = 200;

    // So much of it stands before the hit.
    private const int Before = 60;

    public static string Around(string text, int at)
    {
        var start = Back(text, at, Before);
        // Rather from the beginning of a word, if one begins there.
        if (start > 0)
        {
            for (var i = start; i < at; i++)
            {
                if (!char.IsWhiteSpace(text[i]))
                    continue;
                start = i + 1;
                break;
            }
        }
        var capacity = MaxCharacters - (start > 0 ? 1 : 0);
        var end = Forward(text, start, capacity);
        if (end < text.Length)
            end = Forward(text, start, capacity - 1);
        return $"{(start > 0 ? "…" : "")}{text.AsSpan(start, end - start)}{(end < text.Length ? "…" : "")}";
    }

    // Not in the middle of a surrogate pair, nor before a mark.
    private static int Back(string text, int at, int characters)
    {
        for (; at > 0 && (characters > 0 || IsInside(text, at)); at--)
        {
            if (!char.IsLowSurrogate(text[at - 1]))
                characters--;
        }
        return at;
    }

    private static int Forward(string text, int at, int characters)
    {
        for (; at < text.Length && characters > 0; characters--)
            at += char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1;
        return at;
    }

    private static bool IsInside(string text, int at) =>
        at < text.Length
        && (char.IsLowSurrogate(text[at]) || CharUnicodeInfo.GetUnicodeCategory(text[at]) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark);
}
