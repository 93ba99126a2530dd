using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace ChatLogger.SearchIndex;

/// <summary>What a character is to a search.</summary>
internal enum CharClass : byte
{
    /// <summary>Space, punctuation, controls: what stands between words.</summary>
    Between,

    /// <summary>A letter, mark or digit of a script that puts spaces between words.</summary>
    Word,

    /// <summary>One of a script that does not, or whose words grow endings: found wherever it stands.</summary>
    Dense,

    /// <summary>A symbol, such as an emoji or a plus sign: like a word of its own.</summary>
    Symbol,
}

/// <summary>Takes folded text apart, into the hashes that the index is made of. Changing anything here means indexing all anew.</summary>
internal static class Tokenizer
{
    // Tai and Tibetan scripts, Myanmar, Jamo, Khmer, Balinese, Javanese, then all of East Asia.
    private static readonly (int First, int Last)[] DenseScripts =
    [
        (0x0E00, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF), (0x1950, 0x19FF), (0x1A20, 0x1AAF), (0x1B00, 0x1B7F), (0x2E80, 0x2FDF), (0x3005, 0x3007),
        (0x3021, 0x3035), (0x3040, 0x318F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0xA4CF), (0xA960, 0xA9FF), (0xAA60, 0xAADF),
        (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0x1AFF0, 0x1B16F), (0x20000, 0x3FFFF),
    ];

    private static readonly CharClass[] Basic = [.. Enumerable.Range(0, 0x10000).Select(unit => char.IsSurrogate((char)unit) ? CharClass.Between : Classify(new Rune(unit)))];

    /// <summary>The character at <paramref name="at"/> and its length in UTF-16 units.</summary>
    public static CharClass ClassAt(ReadOnlySpan<char> text, int at, out int length)
    {
        length = 1;
        if (!char.IsHighSurrogate(text[at]) || at + 1 == text.Length)
            return Basic[text[at]];
        length = 2;
        return Classify(new Rune(text[at], text[at + 1]));
    }

    /// <summary>The character that ends before <paramref name="at"/>; between words where the text begins.</summary>
    public static CharClass ClassBefore(ReadOnlySpan<char> text, int at) =>
        at == 0 ? CharClass.Between : ClassAt(text, at > 1 && char.IsLowSurrogate(text[at - 1]) ? at - 2 : at - 1, out _);

    /// <summary>The hashes' seed, another one for each organization.</summary>
    public static int Seed(Guid orgId) => (int)XxHash32.HashToUInt32(orgId.ToByteArray(bigEndian: true));

    /// <summary>
    /// The hashes of a text: of each word, each symbol, and each pair of neighbours in a dense run; of its single characters, too, or only where
    /// there is just one (<paramref name="lone"/>), which is what a search asks for.
    /// </summary>
    public static void AddTokens(ReadOnlySpan<char> text, int seed, bool lone, ISet<int> tokens)
    {
        for (var at = 0; at < text.Length;)
        {
            var kind = ClassAt(text, at, out var length);
            var start = at;
            at += length;
            switch (kind)
            {
                case CharClass.Word:
                    while (at < text.Length && ClassAt(text, at, out length) == CharClass.Word)
                        at += length;
                    tokens.Add(Hash(text[start..at], seed));
                    break;
                case CharClass.Symbol:
                    tokens.Add(Hash(text[start..at], seed));
                    break;
                case CharClass.Dense:
                    var first = start;
                    for (; at < text.Length && ClassAt(text, at, out length) == CharClass.Dense; at += length)
                    {
                        if (!lone)
                            tokens.Add(Hash(text[start..at], seed));
                        tokens.Add(Hash(text[start..(at + length)], seed));
                        start = at;
                    }
                    if (!lone || start == first)
                        tokens.Add(Hash(text[start..at], seed));
                    break;
            }
        }
    }

    private static int Hash(ReadOnlySpan<char> word, int seed) => (int)XxHash32.HashToUInt32(MemoryMarshal.AsBytes(word), seed);

    private static CharClass Classify(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        <= UnicodeCategory.OtherNumber => Array.Exists(DenseScripts, script => rune.Value >= script.First && rune.Value <= script.Last) ? CharClass.Dense : CharClass.Word,
        >= UnicodeCategory.MathSymbol and <= UnicodeCategory.OtherSymbol => CharClass.Symbol,
        _ => CharClass.Between,
    };
}
