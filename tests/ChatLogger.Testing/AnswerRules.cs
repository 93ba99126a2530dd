using System.Text.RegularExpressions;

namespace ChatLogger.Testing;

/// <summary>Assertions for every response.</summary>
internal static partial class AnswerRules
{
    /// <summary>Tests send it where the response must not repeat it.</summary>
    public const string Marker = "zzMARKERzz";

    /// <summary>Every response has the security headers, and none that names the software.</summary>
    public static Answer HasSecurityHeaders(this Answer answer, string cacheControl = "no-store")
    {
        Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
        Assert.Equal("no-referrer", answer.Header("Referrer-Policy"));
        Assert.Equal("default-src 'none'; frame-ancestors 'none'", answer.Header("Content-Security-Policy"));
        Assert.Equal(cacheControl, answer.Header("Cache-Control"));
        Assert.Null(answer.Header("Server"));
        Assert.Null(answer.Header("X-Powered-By"));
        return answer;
    }

    /// <summary>The response reveals no internals and repeats nothing of the request.</summary>
    public static Answer TellsNothing(this Answer answer)
    {
        var said =
            answer.Comparable
            + string.Join(
                '\n',
                answer
                    .Headers.Where(header => header.Key is not "Content-Security-Policy" and not "Location")
                    .Select(header => $"{header.Key}: {header.Value}"));
        Assert.DoesNotMatch(Inside(), said);
        Assert.DoesNotContain(Marker, said, StringComparison.OrdinalIgnoreCase);
        return answer;
    }

    /// <summary>A problem as every problem is: complete, safe and silent about the inside.</summary>
    public static Answer IsSafeProblem(this Answer answer, int status, string type) =>
        answer.IsProblem(status, type).HasSecurityHeaders().TellsNothing();

    [GeneratedRegex(
        @"Exception|   at |\bSystem\.|Microsoft|Npgsql|Kestrel|AspNetCore|Postgres|\bselect |\binsert |\bupdate |\brelation\b|\bcolumn\b"
            + @"|42P|\.cs\b|/tmp|/home|/root|/usr|127\.0\.0\.1|localhost|ChatLogger\.",
        RegexOptions.IgnoreCase)]
    private static partial Regex Inside();
}
