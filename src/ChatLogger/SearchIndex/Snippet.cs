using System.Globalization;

namespace ChatLogger.SearchIndex;

/// <summary>Cuts out the part of a message that a search result shows.</summary>
internal static class Snippet
{
    /// <summary>The maximum length in characters; an ellipsis marks an end that is cut off.</summary>
    public const int MaxCharacters = 200;

    // The maximum number of characters before the match.
    private const int Before = 60;

    /// <param name="document">Texts, with <see cref="SearchDocument.Boundary"/> in between.</param>
    /// <param name="at">The match. The snippet is from the same text.</param>
    public static string Around(string document, int at)
    {
        var first = document.LastIndexOf(SearchDocument.Boundary, at) + 1;
        var last = document.IndexOf(SearchDocument.Boundary, at);
        return OfText(document[first..(last < 0 ? document.Length : last)], at - first);
    }

    private static string OfText(string text, int at)
    {
        var start = Back(text, at, Before);
        // Prefers to begin at the beginning of a word if there is one nearby.
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

    // Never cuts a surrogate pair or separates a combining mark from its character.
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
        && (
            char.IsLowSurrogate(text[at])
            || CharUnicodeInfo.GetUnicodeCategory(text[at]) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark);
}
