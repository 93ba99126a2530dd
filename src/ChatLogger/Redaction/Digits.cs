namespace ChatLogger.Redaction;

/// <summary>What the detectors of numbers have in common.</summary>
internal static class Digits
{
    /// <summary>The next place from which a number may begin: a digit that does not follow one. -1: there is none.</summary>
    public static int Next(string text, int from)
    {
        while (from < text.Length)
        {
            var offset = text.AsSpan(from).IndexOfAnyInRange('0', '9');
            if (offset < 0)
                return -1;
            from += offset;
            if (from == 0 || !char.IsAsciiDigit(text[from - 1]))
                return from;
            from++;
        }
        return -1;
    }

    /// <summary>The place after the digits that begin here.</summary>
    public static int Skip(string text, int from)
    {
        while (from < text.Length && char.IsAsciiDigit(text[from]))
            from++;
        return from;
    }

    /// <summary>Whether it stands between groups of digits of one number.</summary>
    public static bool IsSpaceOrHyphen(char character) =>
        character is ' ' or '-' or '\u00A0' or '\u202F' or '\u2009' or '\u2010' or '\u2011';
}

/// <summary>Finds numbers of payment cards: 13 to 19 digits, in groups or not, whose last one is the check digit of Luhn.</summary>
internal static class CreditCardDetector
{
    private const int Min = 13, Max = 19;

    public static void Find(string text, ref List<Finding>? found)
    {
        for (var start = Digits.Next(text, 0); start >= 0;)
        {
            var end = End(text, start);
            if (end > 0)
                Finding.Add(ref found, start, end, RedactionKind.CreditCard);
            start = Digits.Next(text, end > 0 ? end : Digits.Skip(text, start));
        }
    }

    // The end of the longest number that begins here; 0: there is none.
    private static int End(string text, int start)
    {
        Span<int> digits = stackalloc int[Max];
        var (count, end) = (0, 0);
        for (var at = start; at < text.Length && count <= Max; at++)
        {
            if (char.IsAsciiDigit(text[at]))
            {
                if (count == Max)
                    break;
                digits[count++] = text[at] - '0';
                var isLast = at + 1 == text.Length || !char.IsAsciiDigit(text[at + 1]);
                if (isLast && count >= Min && HasCheckDigit(digits[..count]))
                    end = at + 1;
            }
            else if (!Digits.IsSpaceOrHyphen(text[at]) || at + 1 == text.Length || !char.IsAsciiDigit(text[at + 1]))
            {
                break;
            }
        }
        return end;
    }

    private static bool HasCheckDigit(ReadOnlySpan<int> digits)
    {
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var doubled = digits[^(i + 1)] * (1 + i % 2);
            sum += doubled > 9 ? doubled - 9 : doubled;
        }
        return sum % 10 == 0;
    }
}
