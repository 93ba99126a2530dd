using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace ChatLogger.SearchIndex;

/// <summary>The class of a character in tokenization.</summary>
internal enum CharClass : byte
{
    /// <summary>Spaces, punctuation and control characters, which separate words.</summary>
    Between,

    /// <summary>A letter, mark or digit of a script that separates words with spaces. A search matches whole words.</summary>
    Word,

    /// <summary>
    /// A letter, mark or digit of a script without spaces between words, or whose words take endings. A search matches it anywhere, so it
    /// is indexed as bigrams.
    /// </summary>
    Dense,

    /// <summary>A symbol, such as an emoji or a plus sign: a token of its own.</summary>
    Symbol,
}

/// <summary>Splits normalized text into the hashed tokens of the index. Any change here requires rebuilding the index.</summary>
internal static class Tokenizer
{
    // Thai, Lao and the other Tai scripts, Tibetan, Myanmar, Jamo, Khmer, Balinese, Javanese, then all scripts of East Asia.
    private static readonly (int First, int Last)[] DenseScripts =
    [
        (0x0E00, 0x109F),
        (0x1100, 0x11FF),
        (0x1780, 0x17FF),
        (0x1950, 0x19FF),
        (0x1A20, 0x1AAF),
        (0x1B00, 0x1B7F),
        (0x2E80, 0x2FDF),
        (0x3005, 0x3007),
        (0x3021, 0x3035),
        (0x3040, 0x318F),
        (0x31A0, 0x31BF),
        (0x31F0, 0x31FF),
        (0x3400, 0x4DBF),
        (0x4E00, 0xA4CF),
        (0xA960, 0xA9FF),
        (0xAA60, 0xAADF),
        (0xAC00, 0xD7FF),
        (0xF900, 0xFAFF),
        (0x1AFF0, 0x1B16F),
        (0x20000, 0x3FFFF),
    ];

    private static readonly CharClass[] Basic =
    [
        .. Enumerable.Range(0, 0x10000).Select(unit => char.IsSurrogate((char)unit) ? CharClass.Between : Classify(new Rune(unit))),
    ];

    /// <summary>The class of the character at <paramref name="at"/>, and its length in UTF-16 units.</summary>
    public static CharClass ClassAt(ReadOnlySpan<char> text, int at, out int length)
    {
        length = 1;
        if (!char.IsHighSurrogate(text[at]) || at + 1 == text.Length)
            return Basic[text[at]];
        length = 2;
        return Classify(new Rune(text[at], text[at + 1]));
    }

    /// <summary>
    /// The class of the character before <paramref name="at"/>; <see cref="CharClass.Between"/> at the beginning of the text.
    /// </summary>
    public static CharClass ClassBefore(ReadOnlySpan<char> text, int at) =>
        at == 0 ? CharClass.Between : ClassAt(text, at > 1 && char.IsLowSurrogate(text[at - 1]) ? at - 2 : at - 1, out _);

    /// <summary>The seed of the hashes, which differs between organizations.</summary>
    public static int Seed(Guid orgId) => (int)XxHash32.HashToUInt32(orgId.ToByteArray(bigEndian: true));

    /// <summary>
    /// Adds the hashes of each word, each symbol, and each bigram of a dense run. For indexing it also adds each single character of a
    /// dense run; for a search (<paramref name="lone"/>) only that of a run of a single character, as longer runs are found by their
    /// bigrams. New words, which exclude symbols and dense runs, also go to <paramref name="words"/>.
    /// </summary>
    public static void AddTokens(ReadOnlySpan<char> text, int seed, bool lone, ISet<int> tokens, NewWords? words = null)
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
                    var token = Hash(text[start..at], seed);
                    if (at - start > SearchTerms.MaxLength)
                        tokens.Add(LongWord(seed));
                    else if (words is not null && !tokens.Contains(token))
                        words.Add(text[start..at], token);
                    tokens.Add(token);
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

    /// <summary>The token of all words that are too long for the dictionary.</summary>
    public static int LongWord(int seed) => Hash("\0", seed);

    private static int Hash(ReadOnlySpan<char> word, int seed) => (int)XxHash32.HashToUInt32(MemoryMarshal.AsBytes(word), seed);

    private static CharClass Classify(Rune rune) =>
        Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherNumber => Array.Exists(DenseScripts, script => rune.Value >= script.First && rune.Value <= script.Last)
                ? CharClass.Dense
                : CharClass.Word,
            >= UnicodeCategory.MathSymbol and <= UnicodeCategory.OtherSymbol => CharClass.Symbol,
            _ => CharClass.Between,
        };
}
