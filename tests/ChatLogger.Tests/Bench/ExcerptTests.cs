using ChatLogger.Bench;

namespace ChatLogger.Tests.Bench;

public class ExcerptTests
{
    [Fact]
    public void Control_characters_are_not_printed() =>
        Assert.Equal("\"a\\u{1B}[31m\\u{202E}\\\"\\u{A}\"", Excerpt.Of("a\e[31m\u202E\"\n"));

    [Fact]
    public void A_long_text_is_cut_around_the_place_in_question()
    {
        var shown = Excerpt.Of(new string('a', 500) + "X" + new string('b', 500), around: 500);

        Assert.StartsWith("…\"aaa", shown, StringComparison.Ordinal);
        Assert.Contains("aXb", shown, StringComparison.Ordinal);
        Assert.EndsWith("b\"…", shown, StringComparison.Ordinal);
        Assert.InRange(shown.Length, 20, 80);
    }
}
