namespace ChatLogger.Redaction;

/// <summary>Finds e-mail addresses: a local part, @, and a domain with a dot. Letters may be of any script.</summary>
internal static class EmailDetector
{
    private const int MaxLocal = 256, MaxDomain = 255;

    public static void Find(string text, ref List<Finding>? found)
    {
        for (var at = text.IndexOf('@'); at >= 0; at = text.IndexOf('@', at + 1))
        {
            var start = at;
            while (start > 0 && at - start < MaxLocal && IsLocal(text[start - 1]))
                start--;
            while (start < at && !char.IsLetterOrDigit(text[start]) && text[start] != '_')
                start++;
            var end = at + 1;
            while (end < text.Length && end - at <= MaxDomain && IsDomain(text[end]))
                end++;
            while (end > at + 1 && text[end - 1] is '.' or '-')
                end--;
            if (start < at && HasTopLevel(text.AsSpan(at + 1, end - at - 1)))
                Finding.Add(ref found, start, end, RedactionKind.Email);
        }
    }

    private static bool HasTopLevel(ReadOnlySpan<char> domain)
    {
        var dot = domain.LastIndexOf('.');
        return dot > 0 && domain.Length - dot > 2 && char.IsLetter(domain[dot + 1]);
    }

    private static bool IsLocal(char character) => char.IsLetterOrDigit(character) || ".!#$%&'*+/=?^_`{|}~-".Contains(character);

    private static bool IsDomain(char character) => char.IsLetterOrDigit(character) || character is '.' or '-';
}
