using System.Text;

namespace ChatLogger.SearchIndex;

/// <summary>
/// A text normalized for comparison: <see cref="CaseFolding"/> is applied, marks are in canonical order, and Hangul is composed to
/// syllables. It has a second form without accents and vowel signs. An instance is reused for many texts and is not thread-safe.
/// </summary>
internal sealed class NormalizedText
{
    // No language has longer runs of combining marks. Sorting them would only cost time for hostile input.
    private const int MaxMarks = 30;

    private char[] _chars = new char[1024];
    private int[] _origins = new int[1024];
    private int _length;

    private char[] _plain = [];
    private int[] _plainOrigins = [];
    private int _plainLength;
    private bool _hasAccents;

    /// <summary>The text with accents.</summary>
    public ReadOnlySpan<char> Chars => _chars.AsSpan(0, _length);

    /// <summary>The text without accents and vowel signs.</summary>
    public ReadOnlySpan<char> Plain => _hasAccents ? _plain.AsSpan(0, _plainLength) : Chars;

    /// <summary>The index in the original text of a character of <see cref="Chars"/>.</summary>
    public int Origin(int index) => _origins[index];

    /// <summary>The index in the original text of a character of <see cref="Plain"/>.</summary>
    public int PlainOrigin(int index) => _hasAccents ? _plainOrigins[index] : _origins[index];

    public void Read(ReadOnlySpan<char> text)
    {
        Normalize(text);
        if (_hasAccents)
            FoldAccents();
    }

    private void Normalize(ReadOnlySpan<char> text)
    {
        (_length, _hasAccents) = (0, false);
        for (var i = 0; i < text.Length;)
        {
            if (char.IsAscii(text[i]))
            {
                Append(text[i] is >= 'A' and <= 'Z' and var capital ? (char)(capital | 0x20) : text[i], i);
                i++;
                continue;
            }
            Rune.DecodeFromUtf16(text[i..], out var rune, out var used);
            if (CaseFolding.Of(rune.Value) is { } becomes)
            {
                foreach (var each in becomes.EnumerateRunes())
                    Append(each, i);
            }
            else
            {
                Append(rune, i);
            }
            i += used;
        }
    }

    // A mark on a symbol or on a character of another script, as in ≠, makes it a different one and stays.
    private void FoldAccents()
    {
        if (_plain.Length < _chars.Length * 2)
            (_plain, _plainOrigins) = (new char[_chars.Length * 2], new int[_chars.Length * 2]);
        _plainLength = 0;
        for (var i = 0; i < _length; i++)
        {
            var plain = CaseFolding.Plain(_chars[i]);
            var stays = plain is null
                || plain.Length == 0 && Tokenizer.ClassBefore(_plain, _plainLength) is CharClass.Symbol or CharClass.Dense;
            foreach (var unit in stays ? _chars.AsSpan(i, 1) : plain.AsSpan())
            {
                _plain[_plainLength] = unit;
                _plainOrigins[_plainLength++] = _origins[i];
            }
        }
    }

    private void Append(Rune rune, int origin)
    {
        if (!rune.IsBmp)
        {
            Span<char> pair = stackalloc char[2];
            rune.EncodeToUtf16(pair);
            Append(pair[0], origin);
            Append(pair[1], origin);
            return;
        }
        var unit = (char)rune.Value;
        if (Syllable(unit) is { } syllable)
        {
            _chars[_length - 1] = syllable;
            return;
        }
        Append(unit, origin);
        if (CaseFolding.CombiningClass(unit) is > 0 and var order)
            Sort(order);
    }

    private void Append(char unit, int origin)
    {
        if (_length == _chars.Length)
        {
            Array.Resize(ref _chars, _length * 2);
            Array.Resize(ref _origins, _length * 2);
        }
        _chars[_length] = unit;
        _origins[_length++] = origin;
        _hasAccents |= unit > '\u007F' && CaseFolding.Plain(unit) is not null;
    }

    // Composes a leading consonant and a vowel, or such a syllable and a final consonant (Unicode Standard, section 3.12).
    private char? Syllable(char unit)
    {
        if (_length == 0 || unit is < '\u1161' or > '\u11C2')
            return null;
        var before = _chars[_length - 1];
        if (unit <= '\u1175' && before is >= '\u1100' and <= '\u1112')
            return (char)(0xAC00 + ((before - 0x1100) * 21 + unit - 0x1161) * 28);
        return unit >= '\u11A8' && before is >= '\uAC00' and <= '\uD7A3' && (before - 0xAC00) % 28 == 0
            ? (char)(before + unit - 0x11A7)
            : null;
    }

    private void Sort(int order)
    {
        for (var i = _length - 1; i > 0 && i > _length - MaxMarks && CaseFolding.CombiningClass(_chars[i - 1]) > order; i--)
        {
            (_chars[i - 1], _chars[i]) = (_chars[i], _chars[i - 1]);
            (_origins[i - 1], _origins[i]) = (_origins[i], _origins[i - 1]);
        }
    }
}
