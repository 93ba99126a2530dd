using System.Text;

namespace ChatLogger.Features;

/// <summary>
/// The order of PostgreSQL's collation "C": by the bytes of UTF-8. An ordinal comparison of UTF-16 orders supplementary characters
/// (surrogates) before U+E000 to U+FFFF instead of after them.
/// </summary>
internal sealed class Utf8Order : IComparer<string?>
{
    public static readonly Utf8Order Instance = new();

    public int Compare(string? x, string? y) => x is null || y is null
        ? StringComparer.Ordinal.Compare(x, y)
        : Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y));
}
