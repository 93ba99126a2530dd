namespace ChatLogger.SearchIndex;

/// <summary>
/// A parsed search query. A document (<see cref="SearchDocument"/>) matches if it contains at least one term of each group and no excluded
/// term. Words, beginnings* and "phrases" are terms, OR between two terms puts them into one group, and - before a term excludes it. Any
/// text is a valid query; one without searchable terms matches nothing.
/// </summary>
internal sealed class SearchQuery
{
    /// <summary>The maximum length of a query in characters.</summary>
    public const int MaxCharacters = 256;

    private readonly List<List<SearchTerm>> _groups = [];
    private readonly List<SearchTerm> _excluded = [];
    private readonly NormalizedText _folded = new();

    private SearchQuery()
    {
    }

    /// <summary>Whether the query has no terms and matches nothing.</summary>
    public bool IsEmpty => _groups.Count == 0 && _excluded.Count == 0;

    /// <summary>Parses a query. Null: the request has no search parameter.</summary>
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
            // OR is an operator only between two terms; elsewhere it is an ordinary word.
            if (!quoted && !excludes && !or && word is "OR" && query._groups.Count > 0 && MayGoOn(text, at))
            {
                or = true;
                continue;
            }
            if (SearchTerm.Of(word, quoted) is not { } term)
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

    /// <summary>Whether the document matches. Not thread-safe.</summary>
    public bool Matches(string text) => Find(text) >= 0;

    /// <summary>A part of the document around the first match; null: the document does not match.</summary>
    public string? Snippet(string text) => Find(text) is >= 0 and var at ? SearchIndex.Snippet.Around(text, at) : null;

    /// <summary>The match in the document of a message, or, without one, of a chat; null: the document does not match.</summary>
    public Match? Match(Guid? messageId, string text) => Snippet(text) is { } snippet ? new(messageId, snippet) : null;

    /// <summary>The beginnings of words that the query asks for; excluded ones are not needed for candidates.</summary>
    public IEnumerable<string> Beginnings => _groups.SelectMany(group => group).Select(term => term.Beginning).OfType<string>().Distinct();

    /// <summary>
    /// The tokens that the index has for every matching text: all of the first list, and at least one of each of the others. Empty if the
    /// query has only excluded terms; then the index cannot narrow the search.
    /// </summary>
    /// <param name="orgId">The organization.</param>
    /// <param name="words">The tokens of the words with each of the <see cref="Beginnings"/>; null: they are too many.</param>
    public SearchTokens Tokens(Guid orgId, IReadOnlyDictionary<string, int[]?> words)
    {
        var seed = Tokenizer.Seed(orgId);
        var all = new HashSet<int>();
        var any = new List<int[]>();
        foreach (var group in _groups)
        {
            if (group.Count == 1)
            {
                group[0].AddTokens(seed, all);
                if (group[0].Beginning is { } beginning && words[beginning] is { } tokens)
                    any.Add(tokens);
            }
            else if (group.Select(term => One(term, seed, words)).ToArray() is var each && !each.Contains(null))
            {
                any.Add([.. each.SelectMany(tokens => tokens!).Distinct()]);
            }
        }
        return new([.. all], any);
    }

    // The position of the first match in the original text. What has no text is not a document.
    private int Find(string text)
    {
        if (text.Length == 0)
            return -1;
        _folded.Read(text);
        var first = int.MaxValue;
        foreach (var group in _groups)
        {
            var found = int.MaxValue;
            foreach (var term in group)
            {
                if (term.Find(_folded) is >= 0 and var at)
                    found = Math.Min(found, at);
            }
            if (found == int.MaxValue)
                return -1;
            first = Math.Min(first, found);
        }
        foreach (var term in _excluded)
        {
            if (term.Find(_folded) >= 0)
                return -1;
        }
        return IsEmpty ? -1 : first == int.MaxValue ? 0 : first;
    }

    // A term of a group needs only one of its tokens: the index is a filter, and the match verifier decides. Null: none is known.
    private static int[]? One(SearchTerm term, int seed, IReadOnlyDictionary<string, int[]?> words)
    {
        var tokens = new HashSet<int>();
        term.AddTokens(seed, tokens);
        return tokens.Count > 0 ? [tokens.First()] : words[term.Beginning!];
    }

    private static bool MayGoOn(string text, int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
            at++;
        return at < text.Length && !Excludes(text, at);
    }

    // A dash excludes only before a word or a quotation mark; before anything else, as in ->, it is an ordinary character.
    private static bool Excludes(string text, int at) =>
        IsDash(text[at]) && at + 1 < text.Length
        && (IsQuote(text[at + 1]) || char.IsLetterOrDigit(text[at + 1]) || char.IsHighSurrogate(text[at + 1]));

    private static bool IsQuote(char unit) => unit == '"' || CaseFolding.Of(unit) == "\"";

    private static bool IsDash(char unit) => unit == '-' || CaseFolding.Of(unit) == "-";
}

/// <summary>The tokens of a candidate: all of <paramref name="All"/>, and at least one of each list in <paramref name="Any"/>.</summary>
internal sealed record SearchTokens(int[] All, IReadOnlyList<int[]> Any)
{
    public bool IsEmpty => All.Length == 0 && Any.Count == 0;
}
