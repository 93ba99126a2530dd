using System.Globalization;

namespace ChatLogger.SearchIndex;

/// <summary>
/// Case folding and normalization of code points, and the folding of accents and vowel signs. It uses a table of its own, because the
/// tokens in the index must be the same on every machine, with every version of the runtime and of ICU, and without ICU.
/// </summary>
internal static class CaseFolding
{
    private static readonly (string?[]?[] Becomes, string?[]?[] Plain, byte[]?[] Classes) Table = Read();

    /// <summary>The folded form of a code point; null: it is unchanged.</summary>
    public static string? Of(int codePoint) => Table.Becomes[codePoint >> 8]?[codePoint & 0xFF];

    /// <summary>
    /// What a folded code point becomes where accents and vowel signs do not count; empty: it is such a mark; null: it is unchanged.
    /// </summary>
    public static string? Plain(int codePoint) => Table.Plain[codePoint >> 8]?[codePoint & 0xFF];

    /// <summary>
    /// The canonical combining class, by which the marks on a character are ordered; 0 for characters that are not marks.
    /// </summary>
    public static int CombiningClass(int codePoint) => Table.Classes[codePoint >> 8]?[codePoint & 0xFF] ?? 0;

    private static (string?[]?[] Becomes, string?[]?[] Plain, byte[]?[] Classes) Read()
    {
        var becomes = new string?[]?[0x1100];
        var plain = new string?[]?[0x1100];
        var classes = new byte[]?[0x1100];
        using var reader = new StreamReader(typeof(CaseFolding).Assembly.GetManifestResourceStream("search/CaseFolding.txt")!);
        while (reader.ReadLine() is { } line)
        {
            if (line[0] == '#')
                continue;
            var (from, rest) = line.IndexOf(' ') is >= 0 and var space ? (line[..space], line[(space + 1)..]) : (line, "");
            var step = from.EndsWith("/2", StringComparison.Ordinal) ? 2 : 1;
            var ends = from.Split('/')[0].Split('-');
            var (first, last) = (Hex(ends[0]), Hex(ends[^1]));
            for (var codePoint = first; codePoint <= last; codePoint += step)
            {
                if (rest.StartsWith('='))
                    (classes[codePoint >> 8] ??= new byte[256])[codePoint & 0xFF] = byte.Parse(rest[1..], CultureInfo.InvariantCulture);
                else if (rest is ['-' or '~', .. var letters])
                    (plain[codePoint >> 8] ??= new string?[256])[codePoint & 0xFF] = Fold(letters, 0);
                else
                    (becomes[codePoint >> 8] ??= new string?[256])[codePoint & 0xFF] = Fold(rest, codePoint - first);
            }
        }
        return (becomes, plain, classes);
    }

    private static string Fold(string hex, int further)
    {
        if (hex.Length == 0)
            return "";
        var codePoints = hex.Split(' ');
        return codePoints.Length == 1
            ? char.ConvertFromUtf32(Hex(codePoints[0]) + further)
            : string.Concat(codePoints.Select(each => char.ConvertFromUtf32(Hex(each))));
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
