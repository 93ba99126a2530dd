namespace ChatLogger.Redaction;

/// <summary>
/// Finds telephone numbers: international ones (+ or 00, 8 to 15 digits), national ones that begin with 0 (9 to 12 digits), and those of
/// North America (3, 3 and 4 digits). Dates are none.
/// </summary>
internal static class PhoneDetector
{
    private const int MaxDigits = 17, MaxGroups = 17;

    public static void Find(string text, ref List<Finding>? found)
    {
        for (var start = Digits.Next(text, 0); start >= 0;)
        {
            var end = End(text, start, out var begins);
            if (end > 0)
                Finding.Add(ref found, begins, end, RedactionKind.Phone);
            start = Digits.Next(text, end > 0 ? end : Digits.Skip(text, start));
        }
    }

    // The end of the longest number whose first digit is here; 0: there is none.
    private static int End(string text, int first, out int begins)
    {
        var isBracketed = first > 0 && text[first - 1] == '(';
        begins = isBracketed ? first - 1 : first;
        var isInternational = begins > 0 && text[begins - 1] == '+';
        if (isInternational)
            begins--;
        if (begins > 0 && (char.IsLetterOrDigit(text[begins - 1]) || text[begins - 1] is '.' or '_'))
            return 0;

        Span<int> groups = stackalloc int[MaxGroups];
        var (group, digits, end) = (0, 0, 0);
        for (var at = first; group < MaxGroups;)
        {
            var after = Digits.Skip(text, at);
            groups[group++] = after - at;
            digits += after - at;
            if (digits > MaxDigits)
                break;
            var isWhole = after == text.Length || !char.IsLetterOrDigit(text[after]);
            if (isWhole && IsNumber(text, first, isInternational, digits, groups[..group]))
                end = after;
            at = AfterSeparators(text, after);
            if (at == after || at == text.Length || !char.IsAsciiDigit(text[at]))
                break;
        }
        return end;
    }

    private static bool IsNumber(string text, int first, bool isInternational, int digits, ReadOnlySpan<int> groups)
    {
        if (isInternational)
            return digits is >= 8 and <= 15;
        if (IsDate(groups))
            return false;
        if (text[first] == '0')
            return string.CompareOrdinal(text, first, "00", 0, 2) == 0 ? digits is >= 10 and <= 17 : digits is >= 9 and <= 12;
        return groups is [3, 3, 4] or [1, 3, 3, 4];
    }

    // 29-11-2026, 2026/11/29, and with a time behind it.
    private static bool IsDate(ReadOnlySpan<int> groups) =>
        groups is [<= 2, <= 2, 4, ..] or [4, <= 2, <= 2, ..] && groups.Length <= 6;

    private static int AfterSeparators(string text, int at)
    {
        for (var end = Math.Min(text.Length, at + 3); at < end; at++)
        {
            if (!Digits.IsSpaceOrHyphen(text[at]) && text[at] is not ('.' or '/' or '(' or ')'))
                break;
        }
        return at;
    }
}
