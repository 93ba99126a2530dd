using System.Text;
using ChatLogger.Http;

namespace ChatLogger.Auth;

/// <summary>
/// Normalizes e-mail addresses: trims white space, applies Unicode's compatibility composition (NFKC) and lower case. All spellings of an
/// address belong to the same member, and no two members can differ by spelling only.
/// </summary>
internal static class EmailAddress
{
    public const int MaxLength = 254;

    /// <summary>
    /// Returns the normal form; null when the text is no address: one @ with something on either side, no white space, no control
    /// characters.
    /// </summary>
    public static string? Normalize(string? text)
    {
        // U+FFFE occurs in no address, and .NET's normalization throws on it.
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
