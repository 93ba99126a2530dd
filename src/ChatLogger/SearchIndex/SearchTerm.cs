using System.Globalization;
using System.Text;

namespace ChatLogger.SearchIndex;

/// <summary>
/// A word, the beginning of a word, or a phrase to be matched: a sequence of pieces with only spaces and punctuation between them. A piece
/// matches literally, including the punctuation inside it. If it begins or ends with a letter or digit of a script that separates words
/// with spaces, that end must be at a word boundary.
/// </summary>
internal sealed class SearchTerm
{
    // Punctuation that is part of a word, as in C#, /path, @name, 5 % or _id, and is therefore not trimmed like that of a sentence.
    private const string Belonging = "#%&@/\\_";

    private readonly string[] _pieces;
    private readonly bool _exact;

    private SearchTerm(string[] pieces, bool exact, string? beginning) => (_pieces, _exact, Beginning) = (pieces, exact, beginning);

    /// <summary>The last word, if the match may be of a longer one that begins with it; else null.</summary>
    public string? Beginning { get; }

    /// <summary>Parses a term. Null: the text contains nothing searchable.</summary>
    /// <param name="text">The text as it was typed.</param>
    /// <param name="exact">Whether it was quoted: accents count, and an asterisk has no meaning.</param>
    public static SearchTerm? Of(ReadOnlySpan<char> text, bool exact)
    {
        var normalized = new NormalizedText();
        normalized.Read(text);
        var written = (exact ? normalized.Chars : normalized.Plain).ToString()
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var pieces = written.Select(Trim).Where(Searchable).ToArray();
        return pieces.Length == 0 ? null : new(pieces, exact, exact ? null : BeginningOf(written[^1], pieces[^1]));
    }

    /// <summary>The index in the original text of the first match; -1: no match.</summary>
    public int Find(NormalizedText text)
    {
        var index = Find(_exact ? text.Chars : text.Plain);
        return index < 0 ? -1 : _exact ? text.Origin(index) : text.PlainOrigin(index);
    }

    private int Find(ReadOnlySpan<char> text)
    {
        var first = _pieces[0];
        for (var from = 0; text[from..].IndexOf(first, StringComparison.Ordinal) is >= 0 and var index; from++)
        {
            from += index;
            if (StandsAt(text, from, 0) && Follow(text, from + first.Length))
                return from;
        }
        return -1;
    }

    /// <summary>
    /// Adds the tokens that every matching text contains, but for those of the words that start with <see cref="Beginning"/>.
    /// </summary>
    public void AddTokens(int seed, ISet<int> tokens)
    {
        var normalized = new NormalizedText();
        foreach (var (n, piece) in _pieces.Index())
        {
            normalized.Read(piece);
            var plain = _exact ? normalized.Plain : piece;
            var left = n == _pieces.Length - 1 && Beginning is not null ? Beginning.Length : 0;
            Tokenizer.AddTokens(plain[..^left], seed, lone: true, tokens);
        }
    }

    // An asterisk right after the last word.
    private static string? BeginningOf(string written, string piece)
    {
        var end = written.LastIndexOf(piece, StringComparison.Ordinal) is >= 0 and var at ? at + piece.Length : written.Length;
        if (end == written.Length || written[end] != '*')
            return null;
        var start = piece.Length;
        while (Tokenizer.ClassBefore(piece, start) == CharClass.Word)
            start -= start > 1 && char.IsLowSurrogate(piece[start - 1]) ? 2 : 1;
        return start < piece.Length ? piece[start..] : null;
    }

    private bool Follow(ReadOnlySpan<char> text, int at)
    {
        for (var n = 1; n < _pieces.Length; n++)
        {
            while (!StandsAt(text, at, n))
            {
                if (
                    at >= text.Length
                    || text[at] == SearchDocument.Boundary
                    || Tokenizer.ClassAt(text, at, out var length) != CharClass.Between)
                    return false;
                at += length;
            }
            at += _pieces[n].Length;
        }
        return true;
    }

    private bool StandsAt(ReadOnlySpan<char> text, int at, int n)
    {
        var piece = _pieces[n];
        if (!text[at..].StartsWith(piece, StringComparison.Ordinal))
            return false;
        if (Tokenizer.ClassAt(piece, 0, out _) == CharClass.Word && Tokenizer.ClassBefore(text, at) == CharClass.Word)
            return false;
        if (n == _pieces.Length - 1 && Beginning is not null)
            return true;
        var end = at + piece.Length;
        var after = end == text.Length ? CharClass.Between : Tokenizer.ClassAt(text, end, out _);
        return !(Tokenizer.ClassBefore(piece, piece.Length) == CharClass.Word && after == CharClass.Word)
            // A combining mark after the match would make its last character a different one.
            && !(after is CharClass.Word or CharClass.Dense && IsMark(text, end));
    }

    private static bool IsMark(ReadOnlySpan<char> text, int at) =>
        Rune.DecodeFromUtf16(text[at..], out var rune, out _) == System.Buffers.OperationStatus.Done
        && Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark
                or UnicodeCategory.EnclosingMark;

    // Removes punctuation of the sentence that the term may have been copied from, and marks without their letter.
    private static string Trim(string piece)
    {
        var (start, end) = (0, piece.Length);
        while (start < end && (IsIgnorable(piece[start]) || CaseFolding.Plain(piece[start]) is ""))
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
