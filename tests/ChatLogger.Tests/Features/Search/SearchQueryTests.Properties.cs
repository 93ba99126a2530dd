using ChatLogger.SearchIndex;
using FsCheck;
using FsCheck.Fluent;

namespace ChatLogger.Tests.Features.Search;

/// <summary>What holds for all queries and texts.</summary>
public partial class SearchQueryTests
{
    /// <summary>The index may return too many candidates and never too few.</summary>
    [Fact]
    public void Every_match_is_a_candidate_of_the_index() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(3_000),
            Prop.ForAll(
                Arb.From(Pieces(6)),
                Arb.From(Pieces(12)),
                (q, text) =>
                {
                    var query = SearchQuery.Parse(q);
                    return query is null || !query.Matches(text) || IsCandidate(query, text);
                }));

    [Fact]
    public void A_snippet_is_a_part_of_the_text_with_the_hit() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(1_000),
            Prop.ForAll(
                Arb.From(Pieces(80)),
                text =>
                {
                    var snippet = SearchQuery.Parse("foo OR 退 OR 😀")!.Snippet(text);
                    return snippet is null
                        || (
                            ChatLogger.Data.Text.Length(snippet) <= Snippet.MaxCharacters
                            && text.Contains(snippet.Trim('…'), StringComparison.Ordinal)
                            && SearchQuery.Parse("foo OR 退 OR 😀")!.Matches(snippet));
                }));

    internal static Gen<string> Pieces(int most) =>
        Gen.Elements(
                "foo",
                "Foo_bar",
                "bar",
                "(x)",
                "straße",
                "STRASSE",
                "ü",
                "u\u0308",
                "\u0308",
                "退款",
                "退",
                "款",
                "が",
                "か",
                "\u3099",
                "ﾊﾟ",
                "คืน",
                "เงิน",
                "환불",
                "\u1112\u116A",
                "استرداد",
                "😀",
                "👍🏽",
                "\u200D",
                "❤️",
                "C++",
                "C#",
                "->",
                "-",
                "\"",
                "OR",
                " ",
                " ",
                " ",
                ".",
                ",",
                "_",
                "\n",
                "&",
                "%",
                "'",
                "’",
                "−",
                "50",
                "½",
                "ﬁ",
                "\\",
                "*",
                "/",
                "$",
                "@",
                "ﷺ")
            .ListOf()
            .Select(pieces => string.Concat(pieces.Take(most)));
}
