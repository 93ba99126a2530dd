using System.Text.RegularExpressions;

namespace ChatLogger.Redaction;

/// <summary>
/// The rules of an organization's own patterns: they match in time that is linear in the length of the text, whatever they are, and are so
/// small that this time is short.
/// </summary>
internal static class PatternRules
{
    /// <summary>The places of a pattern after its repetitions are written out. A text of 256 KiB then takes a second at most.</summary>
    private const int MaxSize = 400;

    /// <summary>Returns what is wrong with a pattern; null: it may be used.</summary>
    public static string? Refuse(string pattern)
    {
        if (Size(pattern) > MaxSize)
            return $"The pattern is too large: with its repetitions written out it may have at most {MaxSize} places.";
        try
        {
            return Compile(pattern, TimeSpan.FromSeconds(1)).IsMatch("") ? "The pattern must not match an empty text." : null;
        }
        catch (RegexMatchTimeoutException)
        {
            return "The pattern takes too long.";
        }
        catch (NotSupportedException)
        {
            return "The pattern may not look ahead or behind, refer back to a group, or be atomic: it must match in linear time.";
        }
        catch (ArgumentException)
        {
            return "The pattern is not a regular expression of .NET.";
        }
    }

    public static Regex Compile(string pattern, TimeSpan timeout) =>
        new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, timeout);

    /// <summary>
    /// The places of a pattern with its repetitions written out, also of a group that is not closed, which .NET refuses later.
    /// </summary>
    private static long Size(string pattern)
    {
        var outer = new Stack<(long Total, long Last)>();
        long total = 0, last = 0;
        for (var at = 0; at < pattern.Length && total <= int.MaxValue; at++)
        {
            switch (pattern[at])
            {
                case '(':
                    outer.Push((total, 0));
                    (total, last) = (0, 0);
                    break;
                case ')' when outer.Count > 0:
                    last = Math.Max(1, total);
                    total = outer.Pop().Total + last;
                    break;
                case '{' when Repetition().Match(pattern, at) is { Success: true } match && match.Index == at:
                    var times = long.Parse(match.Groups[2].Length > 0 ? match.Groups[2].ValueSpan : match.Groups[1].ValueSpan, null);
                    total += last * (Math.Max(1, times) - 1);
                    last *= Math.Max(1, times);
                    at += match.Length - 1;
                    break;
                case '[':
                    at = EndOfClass(pattern, at);
                    (total, last) = (total + 1, 1);
                    break;
                case '\\':
                    at++;
                    (total, last) = (total + 1, 1);
                    break;
                case '*' or '+' or '?' or '|':
                    break;
                default:
                    (total, last) = (total + 1, 1);
                    break;
            }
        }
        return outer.Aggregate(total, (inner, group) => inner + group.Total);
    }

    private static int EndOfClass(string pattern, int at)
    {
        for (at += 2; at < pattern.Length && pattern[at] != ']'; at++)
        {
            if (pattern[at] == '\\')
                at++;
        }
        return at;
    }

    private static readonly Regex RepetitionPattern = new(
        @"\{([0-9]{1,9})(?:,([0-9]{1,9})?)?\}", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private static Regex Repetition() => RepetitionPattern;
}
