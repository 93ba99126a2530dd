using ChatLogger.SearchIndex;

namespace ChatLogger.Tests.Features.Search;

/// <summary>The rules for matches in docs/search.md.</summary>
public partial class SearchQueryTests
{
    private static readonly Guid Org = Guid.NewGuid();

    [Theory]
    [InlineData("refund", "I want a REFUND!", true)]
    [InlineData("refund", "refunds", false)]
    [InlineData("refund order", "the order; my refund", true)]
    [InlineData("refund order", "my refund", false)]
    [InlineData("\"my order\"", "Where is my,  order?", true)]
    [InlineData("\"my order\"", "my last order", false)]
    [InlineData("\"my order", "is my order", true)]
    [InlineData("“my order”", "is my order", true)]
    [InlineData("refund -order", "my refund", true)]
    [InlineData("refund -order", "order refund", false)]
    [InlineData("refund -\"my order\"", "order my refund", true)]
    [InlineData("-order", "my refund", true)]
    [InlineData("-order", "order", false)]
    [InlineData("cat OR dog", "a dog", true)]
    [InlineData("cat OR dog", "a bird", false)]
    [InlineData("a cat OR dog b", "a dog b", true)]
    [InlineData("a cat OR dog b", "a dog", false)]
    [InlineData("cat OR dog OR cow", "cow", true)]
    [InlineData("cat or dog", "dog", false)]
    [InlineData("OR", "this or that", true)]
    [InlineData("cat OR", "cat", false)]
    [InlineData("cat OR -dog", "cat or bird", true)]
    [InlineData("don't", "I don’t know", true)]
    [InlineData("what?", "So what", true)]
    [InlineData("(refund)", "refund", true)]
    public void Words_phrases_exclusions_and_alternatives(string q, string text, bool matches) => Is(q, text, matches);

    [Theory]
    [InlineData("STRASSE", "In der Straße", true)]
    [InlineData("straße", "STRASSE", true)]
    [InlineData("u\u0308bung", "Übung", true)]
    [InlineData("Übung", "u\u0308bung", true)]
    [InlineData("ubung", "Übung", true)]
    [InlineData("退款", "我要退款。", true)]
    [InlineData("退", "我要退款。", true)]
    [InlineData("退款", "退。款", false)]
    [InlineData("我要退款", "你说我要退款吗", true)]
    [InlineData("東京 返金", "東京で返金", true)]
    [InlineData("カタカナ", "ｶﾀｶﾅ", true)]
    [InlineData("か", "が", false)]
    [InlineData("환불", "환불을", true)]
    [InlineData("\u1112\u116A\u11AB", "환", true)]
    [InlineData("คืนเงิน", "ขอคืนเงินครับ", true)]
    [InlineData("استرداد", "أريد استرداد المال", true)]
    [InlineData("می‌خواهم", "میخواهم", true)]
    [InlineData("वापसी", "धन वापसी चाहिए", true)]
    [InlineData("ΣΊΣΥΦΟΣ", "σίσυφος", true)]
    [InlineData("ВОЗВРАТ", "возврат", true)]
    [InlineData("iphone", "我的iPhone坏了", true)]
    [InlineData("５０％", "50% off", true)]
    public void Every_language(string q, string text, bool matches) => Is(q, text, matches);

    [Theory]
    [InlineData("😀", "ok😀!", true)]
    [InlineData("😀", "😁", false)]
    [InlineData("❤", "I ❤️ it", true)]
    [InlineData("👍", "👍🏽", true)]
    [InlineData("👨‍👩‍👧", "family 👨‍👩‍👧!", true)]
    [InlineData("foo_bar(x)", "call foo_bar(x) now", true)]
    [InlineData("foo_bar(x)", "foo bar x", false)]
    [InlineData("foo_bar", "call foo_bar(x)", true)]
    [InlineData("bar", "call foo_bar(x)", true)]
    [InlineData("C++", "C++ or C", true)]
    [InlineData("C++", "C or D", false)]
    [InlineData("C#", "in C#.", true)]
    [InlineData("C#", "in C.", false)]
    [InlineData("p->next", "p->next = q", true)]
    [InlineData("->", "p->next", true)]
    [InlineData("/api/v1", "GET /api/v1/orgs", true)]
    [InlineData("ann@acme.example", "to ann@acme.example.", true)]
    [InlineData("$100", "it is $100", true)]
    [InlineData("e-mail", "an e‑mail", true)]
    public void Emoji_and_code(string q, string text, bool matches) => Is(q, text, matches);

    [Theory]
    [InlineData("???")]
    [InlineData("\"\"")]
    [InlineData("- . !")]
    [InlineData("()")]
    public void A_query_without_tokens_matches_nothing(string q)
    {
        Assert.True(SearchQuery.Parse(q)!.IsEmpty);
        Is(q, "anything ??? () - \"\"", false);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(null)]
    public void No_words_at_all_are_no_search(string? q) => Assert.Null(SearchQuery.Parse(q));

    [Fact]
    public void A_snippet_shows_the_hit_wherever_it_is()
    {
        var words = string.Join(' ', Enumerable.Repeat("palaver", 100));
        var snippet = SearchQuery.Parse("needle")!.Snippet($"{words} needle {words}")!;

        Assert.StartsWith("…palaver", snippet, StringComparison.Ordinal);
        Assert.EndsWith("…", snippet, StringComparison.Ordinal);
        Assert.Contains(" needle ", snippet, StringComparison.Ordinal);
        Assert.Equal(Snippet.MaxCharacters, snippet.Length);
        Assert.Equal("the needle", SearchQuery.Parse("needle")!.Snippet("the needle"));
    }

    [Fact]
    public void The_same_word_has_another_hash_in_another_organization() =>
        Assert.NotEqual(Tokens(SearchQuery.Parse("refund")!, Org).All, Tokens(SearchQuery.Parse("refund")!, Guid.NewGuid()).All);

    /// <summary>The hashes are in the index of every installation: if they change, every installation must rebuild its index.</summary>
    [Fact]
    public void Hashes_stay_as_they_are()
    {
        var tokens = new HashSet<int>();
        Tokenizer.AddTokens(
            "straße ü 退款 😀".Normalize(),
            Tokenizer.Seed(Guid.Parse("01900000-0000-7000-8000-000000000001")),
            lone: false,
            tokens);
        var hashes = string.Join(' ', tokens.Order());
        Assert.True(hashes == HashesOfOld, hashes);
    }

    private const string HashesOfOld = "-1990747972 -1420256140 -1249191159 -802249944 316898900 682248076";

    private static void Is(string q, string text, bool matches)
    {
        var query = SearchQuery.Parse(q)!;
        Assert.Equal(matches, query.Matches(text));
        if (matches)
            Assert.True(IsCandidate(query, text), "It matches, and the index would not offer it.");
    }

    private static bool IsCandidate(SearchQuery query, string text)
    {
        var (normalized, tokens, words) = (new NormalizedText(), new HashSet<int>(), new NewWords([]));
        normalized.Read(text);
        Tokenizer.AddTokens(normalized.Plain, Tokenizer.Seed(Org), lone: false, tokens, words);
        var wanted = Tokens(query, Org, [.. words.Words]);
        return wanted.All.All(tokens.Contains) && wanted.Any.All(any => any.Any(tokens.Contains));
    }

    // With a dictionary of these words.
    private static SearchTokens Tokens(SearchQuery query, Guid orgId, params (string Word, int Token)[] words) => query.Tokens(
        orgId,
        query.Beginnings.ToDictionary(
            beginning => beginning,
            int[]? (beginning) =>
            [
                .. words.Where(word => word.Word.StartsWith(beginning, StringComparison.Ordinal)).Select(word => word.Token),
                Tokenizer.LongWord(Tokenizer.Seed(orgId)),
            ]));
}
