using System.Buffers;

namespace ChatLogger.Redaction;

/// <summary>Finds keys and tokens of known shapes: by the words that they begin with, their characters and their length.</summary>
internal static class SecretDetector
{
    private const string PrivateKey = "-----BEGIN ";

    // How each begins, and how many characters follow at least.
    private static readonly (string Beginning, int Least)[] Shapes =
    [
        ("clk_", 60), ("sk-", 20), ("sk_live_", 16), ("sk_test_", 16), ("rk_live_", 16), ("rk_test_", 16), ("pk_live_", 16), ("whsec_", 16),
        ("ghp_", 30), ("gho_", 30), ("ghu_", 30), ("ghs_", 30), ("ghr_", 30), ("github_pat_", 22), ("glpat-", 16), ("gldt-", 16),
        ("xoxb-", 10), ("xoxp-", 10), ("xoxa-", 10), ("xoxr-", 10), ("xoxs-", 10), ("xapp-", 10), ("AKIA", 16), ("ASIA", 16), ("AIza", 35),
        ("ya29.", 20), ("hf_", 30), ("npm_", 30), ("pypi-", 16), ("SG.", 40), ("dop_v1_", 40), ("shpat_", 30), ("shpss_", 30), ("gsk_", 30),
        ("r8_", 30), ("pplx-", 30), ("xai-", 30), ("lin_api_", 20), ("sq0atp-", 20), ("sq0csp-", 20), ("key-", 32), ("eyJ", 30),
        ("AGE-SECRET-KEY-1", 50), ("hvs.", 20), ("dckr_pat_", 20), ("sntrys_", 20), ("pk-lf-", 30), ("sk-lf-", 30),
    ];

    private static readonly SearchValues<string> Beginnings = SearchValues.Create(
        [.. Shapes.Select(shape => shape.Beginning), PrivateKey], StringComparison.Ordinal);

    private static readonly SearchValues<char> Characters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.=+/");

    public static void Find(string text, ref List<Finding>? found)
    {
        for (var at = 0; at < text.Length;)
        {
            var offset = text.AsSpan(at).IndexOfAny(Beginnings);
            if (offset < 0)
                return;
            at += offset;
            var end = End(text, at);
            if (end > 0)
                Finding.Add(ref found, at, end, RedactionKind.Secret);
            at = end > 0 ? end : at + 1;
        }
    }

    // The end of the secret that begins here; 0: it is none.
    private static int End(string text, int start)
    {
        var rest = text.AsSpan(start);
        if (rest.StartsWith(PrivateKey, StringComparison.Ordinal))
            return EndOfPrivateKey(text, start);
        if (start > 0 && (char.IsAsciiLetterOrDigit(text[start - 1]) || text[start - 1] == '_'))
            return 0;
        var length = rest.IndexOfAnyExcept(Characters);
        var token = (length < 0 ? rest : rest[..length]).TrimEnd(".=");
        foreach (var (beginning, least) in Shapes)
        {
            var isLong = token.Length >= beginning.Length + least;
            if (isLong && token.StartsWith(beginning, StringComparison.Ordinal) && HasForm(beginning, token))
                return start + (length < 0 ? rest.Length : Math.Min(length, rest.Length));
        }
        return 0;
    }

    private static bool HasForm(string beginning, ReadOnlySpan<char> token) => beginning switch
    {
        // A JSON Web Token: three parts.
        "eyJ" => token.Count('.') is 2 or 4,
        "AKIA" or "ASIA" => !token[4..20].ContainsAnyExcept(Upper) && (token.Length == 20 || !char.IsAsciiLetterOrDigit(token[20])),
        // A word with a hyphen is no key.
        "key-" or "sk-" => token.ContainsAnyInRange('0', '9') || token.Length > 40,
        _ => true,
    };

    private static readonly SearchValues<char> Upper = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

    // Also one that is cut off.
    private static int EndOfPrivateKey(string text, int start)
    {
        var line = text.AsSpan(start, Math.Min(80, text.Length - start));
        if (!line.Contains("PRIVATE KEY", StringComparison.Ordinal))
            return 0;
        var end = text.IndexOf("-----END ", start, StringComparison.Ordinal);
        if (end < 0)
            return text.Length;
        var last = text.IndexOf("-----", end + 9, StringComparison.Ordinal);
        return last < 0 ? text.Length : last + 5;
    }
}
