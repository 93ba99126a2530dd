using System.Diagnostics;
using ChatLogger.Redaction;

namespace ChatLogger.Tests.Redaction;

/// <summary>Patterns of organizations are refused when they could be slow, and quick when they are not refused.</summary>
public class PatternRulesTests
{
    [Theory]
    [InlineData("ORD-[0-9]{6}")]
    [InlineData(@"(?i)\bcustomer\s+\d{4,10}\b")]
    [InlineData(@"\p{Lu}{2}[0-9]{2}(?:[ -]?[0-9]{4}){3,5}")]
    [InlineData("a|b|[]{1,2}x]")]
    public void A_pattern_may_be(string pattern) => Assert.Null(PatternRules.Refuse(pattern));

    [Theory]
    [InlineData("(a)\\1", "linear time")]
    [InlineData("(?=a)a", "linear time")]
    [InlineData("(?<!a)b", "linear time")]
    [InlineData("(?>a+)b", "linear time")]
    [InlineData("(", "not a regular expression")]
    [InlineData("a)", "not a regular expression")]
    [InlineData("[", "not a regular expression")]
    [InlineData("*", "not a regular expression")]
    [InlineData("a*", "empty text")]
    [InlineData("x?|y", "empty text")]
    [InlineData("(?:a{1,100}){1,100}", "too large")]
    [InlineData("(((a{9}){9}){9}){9}", "too large")]
    [InlineData("[ab]{999999999}", "too large")]
    public void A_pattern_may_not_be(string pattern, string sentence) =>
        Assert.Contains(sentence, PatternRules.Refuse(pattern), StringComparison.Ordinal);

    [Theory]
    [InlineData("(a+)+$")]
    [InlineData("(a|a)*b")]
    [InlineData("(.*a){20}")]
    [InlineData("(a|b)*a(a|b){30}x")]
    [InlineData("^(([a-z])+.)+[A-Z]([a-z])+$")]
    public void A_pattern_that_others_take_for_ever_with_is_done_in_time_or_replaces_the_text(string pattern)
    {
        Assert.Null(PatternRules.Refuse(pattern));
        var redactor = new Redactor(new([], [new("slow", pattern)], false));
        var text = string.Concat(Enumerable.Repeat("aababb", 262_144 / 6)) + "!";
        var since = Stopwatch.GetTimestamp();

        redactor.Redact(text);

        Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(10), $"It took {Stopwatch.GetElapsedTime(since)}.");
    }
}
