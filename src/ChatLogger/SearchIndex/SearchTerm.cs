using System.Globalization;
using System.Text;

namespace ChatLogger.SearchIndex;

/// <summary>
/// A word or phrase to be matched: a sequence of pieces with only spaces and punctuation between them. A piece matches literally, including
/// the punctuation inside it. If it begins or ends with a letter or digit of a script that separates words with spaces, that end must be at
/// a word boundary.
/// </summary>
internal sealed class SearchTerm
{
    // Punctuation that is part of a word, as in C#, /path, @name, 5 % or _id, and is therefore not trimmed like that of a sentence.
    private const string Belonging = "#%&@/\\_";

    private readonly string[] _pieces;

    private SearchTerm(string[] pieces) => _pieces = pieces;

    /// <summary>Parses a term. Null: the text contains nothing searchable.</summary>
    public static SearchTerm? Of(ReadOnlySpan<char> text)
    {
        var normalized = new NormalizedText();
        normalized.Read(text);
        var pieces = normalized.Chars.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .Select(Trim).Where(Searchable).ToArray();
        return pieces.Length == 0 ? null : new(pieces);
    }

    /// <summary>The index of the first match in normalized text; -1: no match.</summary>
    public int Find(ReadOnlySpan<char> text)
    {
        var first = _pieces[0];
        for (var from = 0; text[from..].IndexOf(first, StringComparison.Ordinal) is >= 0 and var index; from++)
        {
            from += index;
            if (StandsAt(text, from, first) && Follow(text, from + first.Length))
                return from;
        }
        return -1;
    }

    /// <summary>Adds the tokens that every matching text contains.</summary>
    public void AddTokens(int seed, ISet<int> tokens)
    {
        foreach (var piece in _pieces)
            Tokenizer.AddTokens(piece, seed, lone: true, tokens);
    }

    private bool Follow(ReadOnlySpan<char> text, int at)
    {
        foreach (var piece in _pieces.AsSpan(1))
        {
            while (!StandsAt(text, at, piece))
            {
                if (at >= text.Length || Tokenizer.ClassAt(text, at, out var length) != CharClass.Between)
                    return false;
                at += length;
            }
            at += piece.Length;
        }
        return true;
    }

    private static bool StandsAt(ReadOnlySpan<char> text, int at, string piece)
    {
        if (!text[at..].StartsWith(piece, StringComparison.Ordinal))
            return false;
        var end = at + piece.Length;
        var after = end == text.Length ? CharClass.Between : Tokenizer.ClassAt(text, end, out _);
        return !(Tokenizer.ClassAt(piece, 0, out _) == CharClass.Word && Tokenizer.ClassBefore(text, at) == CharClass.Word)
            && !(Tokenizer.ClassBefore(piece, piece.Length) == CharClass.Word && after == CharClass.Word)
            // A combining mark after the match would make its last character a different one.
            && !(after is CharClass.Word or CharClass.Dense && IsMark(text, end));
    }

    private static bool IsMark(ReadOnlySpan<char> text, int at) =>
        Rune.DecodeFromUtf16(text[at..], out var rune, out _) == System.Buffers.OperationStatus.Done
        && Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark
                or UnicodeCategory.EnclosingMark;

    // Removes punctuation of the sentence that the term may have been copied from.
    private static string Trim(string piece)
    {
        var (start, end) = (0, piece.Length);
        while (start < end && IsIgnorable(piece[start]))
            start++;
        while (end > start && IsIgnorable(piece[end - 1]))
            end--;
        return piece[start..end];
    }

    private static bool IsIgnorable(char unit) =>
        !char.IsSurrogate(unit)
        && Tokenizer.ClassAt([unit], 0, out _) == CharClass.Between
        && !Belonging.Contains(unit, StringComparison.Ordinal);

    private static bool Searchable(string piece)
    {
        for (var at = 0; at < piece.Length;)
        {
            if (Tokenizer.ClassAt(piece, at, out var length) != CharClass.Between)
                return true;
            at += length;
        }
        return false;
    }
}
