using System.Collections.Frozen;

namespace ChatLogger.Redaction;

/// <summary>
/// Finds international bank account numbers (ISO 13616), in groups or not: of a country that has them, with its length, and with check
/// digits that are right modulo 97.
/// </summary>
internal static class IbanDetector
{
    private const string Countries =
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 "
        + "FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 "
        + "MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 "
        + "SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

    private static readonly FrozenDictionary<string, int> Lengths = Countries.Split(' ')
        .ToFrozenDictionary(country => country[..2], country => int.Parse(country.AsSpan(2), null), StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> Length =
        Lengths.GetAlternateLookup<ReadOnlySpan<char>>();

    public static void Find(string text, ref List<Finding>? found)
    {
        // The check digits stand behind the country, before which there is neither letter nor digit.
        for (var digit = Digits.Next(text, 0); digit >= 0; digit = Digits.Next(text, digit + 1))
        {
            var start = digit - 2;
            if (start < 0 || (start > 0 && char.IsLetterOrDigit(text[start - 1])))
                continue;
            if (!Length.TryGetValue(text.AsSpan(start, 2), out var length))
                continue;
            var end = End(text, start, length);
            if (end == 0)
                continue;
            Finding.Add(ref found, start, end, RedactionKind.Iban);
            digit = end - 1;
        }
    }

    private static int End(string text, int start, int length)
    {
        Span<char> account = stackalloc char[34];
        var (count, at) = (0, start);
        for (; at < text.Length && count < length; at++)
        {
            if (char.IsAsciiLetterOrDigit(text[at]))
                account[count++] = char.ToUpperInvariant(text[at]);
            else if (!Digits.IsSpaceOrHyphen(text[at]) || Digits.IsSpaceOrHyphen(text[at - 1]))
                return 0;
        }
        return count == length && (at == text.Length || !char.IsLetterOrDigit(text[at])) && IsRight(account[..count]) ? at : 0;
    }

    // ISO 7064: the country and the check digits go to the end, a letter counts 10 to 35.
    private static bool IsRight(ReadOnlySpan<char> account)
    {
        var rest = 0;
        for (var i = 0; i < account.Length; i++)
        {
            var character = account[(i + 4) % account.Length];
            rest = char.IsAsciiDigit(character) ? (rest * 10 + character - '0') % 97 : (rest * 100 + character - 'A' + 10) % 97;
        }
        return rest == 1;
    }
}
