namespace ChatLogger.SearchIndex;

/// <summary>
/// What somebody searches for, and the one rule of whether a message matches: of each group one term stands in it, and of what is excluded none
/// does. Words and "phrases" are terms, OR between two makes a group of them, - before one excludes it. Everything is a query; one in which there is
/// nothing to search for matches nothing.
/// </summary>
internal sealed class SearchQuery
{
    /// <summary>The longest query, in characters.</summary>
    public const int MaxCharacters = 256;

    /// <summary>The part of a message that is searched, from its beginning, in characters.</summary>
    public const int SearchedCharacters = 16_384;

    private readonly List<List<SearchTerm>> _groups = [];
    private readonly List<SearchTerm> _excluded = [];
    private readonly NormalizedText _folded = new();

    private SearchQuery()
    {
    }

    /// <summary>No message can match.</summary>
    public bool IsEmpty => _groups.Count == 0 && _excluded.Count == 0;

    /// <summary>Null: the caller asked for no search.</summary>
    public static SearchQuery? Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return null;
        var query = new SearchQuery();
        var or = false;
        for (var at = 0; at < text.Length;)
        {
            if (char.IsWhiteSpace(text[at]))
            {
                at++;
                continue;
            }
            var excludes = Excludes(text, at);
            if (excludes)
                at++;
            var quoted = IsQuote(text[at]);
            if (quoted)
                at++;
            var end = at;
            while (end < text.Length && !(quoted ? IsQuote(text[end]) : char.IsWhiteSpace(text[end])))
                end++;
            var word = text.AsSpan(at, end - at);
            at = quoted ? end + 1 : end;
            // Only between two terms; elsewhere it is a word like any other.
            if (!quoted && !excludes && !or && word is "OR" && query._groups.Count > 0 && MayGoOn(text, at))
            {
                or = true;
                continue;
            }
            if (SearchTerm.Of(word) is not { } term)
                continue;
            if (excludes)
                query._excluded.Add(term);
            else if (or)
                query._groups[^1].Add(term);
            else
                query._groups.Add([term]);
            or = or && excludes;
        }
        return query;
    }

    /// <summary>Whether the message matches. Not for two threads at a time.</summary>
    public bool Matches(string text) => Match(text) >= 0;

    /// <summary>A part of the message around what was searched for; null when it does not match.</summary>
    public string? Snippet(string text) => Match(text) is >= 0 and var at ? SearchIndex.Snippet.Around(text, at) : null;

    /// <summary>
    /// What every matching text has in the index: all of the first, and one of each of the others. Empty when the index cannot help: everything that
    /// is not excluded matches.
    /// </summary>
    public SearchTokens Tokens(Guid orgId)
    {
        var seed = Tokenizer.Seed(orgId);
        var all = new HashSet<int>();
        var any = new List<int[]>();
        foreach (var group in _groups)
        {
            if (group.Count == 1)
                group[0].AddTokens(seed, all);
            else
                any.Add([.. group.SelectMany(term => One(term, seed)).Distinct()]);
        }
        return new([.. all], any);
    }

    // Where it matches first, in the text as it was sent.
    private int Match(string text)
    {
        _folded.Read(text);
        var chars = _folded.Chars;
        var first = int.MaxValue;
        foreach (var group in _groups)
        {
            var found = int.MaxValue;
            foreach (var term in group)
            {
                if (term.Find(chars) is >= 0 and var at)
                    found = Math.Min(found, at);
            }
            if (found == int.MaxValue)
                return -1;
            first = Math.Min(first, found);
        }
        foreach (var term in _excluded)
        {
            if (term.Find(chars) >= 0)
                return -1;
        }
        return IsEmpty ? -1 : first == int.MaxValue ? 0 : _folded.Origin(first);
    }

    // Any one of a term's hashes is a fair question for the index.
    private static HashSet<int> One(SearchTerm term, int seed)
    {
        var tokens = new HashSet<int>();
        term.AddTokens(seed, tokens);
        return [tokens.First()];
    }

    private static bool MayGoOn(string text, int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
            at++;
        return at < text.Length && !Excludes(text, at);
    }

    // A dash before a word or a quotation mark; before anything else, as in ->, it is a character like any other.
    private static bool Excludes(string text, int at) =>
        IsDash(text[at]) && at + 1 < text.Length
        && (IsQuote(text[at + 1]) || char.IsLetterOrDigit(text[at + 1]) || char.IsHighSurrogate(text[at + 1]));

    private static bool IsQuote(char unit) => unit == '"' || CaseFolding.Of(unit) == "\"";

    private static bool IsDash(char unit) => unit == '-' || CaseFolding.Of(unit) == "-";
}

/// <summary>What a candidate has in the index: all of <paramref name="All"/>, and of each of <paramref name="Any"/> one.</summary>
internal sealed record SearchTokens(int[] All, IReadOnlyList<int[]> Any)
{
    public bool IsEmpty => All.Length == 0 && Any.Count == 0;
}
