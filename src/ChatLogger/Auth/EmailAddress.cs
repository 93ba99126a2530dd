using System.Text;
using ChatLogger.Http;

namespace ChatLogger.Auth;

/// <summary>
/// E-mail addresses in one normal form: without space around them, in Unicode's compatibility composition, in lower case. What people type in
/// any of its spellings is the same member; and two members cannot be told apart by a spelling.
/// </summary>
internal static class EmailAddress
{
    public const int MaxLength = 254;

    /// <summary>The normal form; null when it is no address: one @ with something on either side, no white space, no control characters.</summary>
    public static string? Normalize(string? text)
    {
        // U+FFFE is a character of no address, and .NET's normalization throws at it.
        if (text is null || text.Length > 4 * MaxLength || !TextSafety.IsSafe(text) || text.Contains('\ufffe', StringComparison.Ordinal))
            return null;
        var normal = text.Trim().Normalize(NormalizationForm.FormKC).ToLowerInvariant().Normalize(NormalizationForm.FormKC);
        var at = normal.IndexOf('@', StringComparison.Ordinal);
        return at > 0 && at == normal.LastIndexOf('@') && at < normal.Length - 1
            && Data.Text.Length(normal) <= MaxLength
            && !normal.Any(c => char.IsWhiteSpace(c) || char.IsControl(c))
            ? normal
            : null;
    }
}
