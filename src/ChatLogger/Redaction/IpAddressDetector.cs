using System.Net;
using System.Net.Sockets;

namespace ChatLogger.Redaction;

/// <summary>Finds addresses of the Internet Protocol, versions 4 and 6.</summary>
internal static class IpAddressDetector
{
    private const int LongestV6 = 45;

    public static void Find(string text, ref List<Finding>? found)
    {
        if (text.Contains('.'))
            FindV4(text, ref found);
        if (text.Contains(':'))
            FindV6(text, ref found);
    }

    private static void FindV4(string text, ref List<Finding>? found)
    {
        for (var start = Digits.Next(text, 0); start >= 0;)
        {
            var end = EndOfV4(text, start);
            if (end > 0)
                Finding.Add(ref found, start, end, RedactionKind.IpAddress);
            start = Digits.Next(text, end > 0 ? end : Digits.Skip(text, start));
        }
    }

    private static int EndOfV4(string text, int start)
    {
        if (start > 0 && (char.IsLetter(text[start - 1]) || (start > 1 && text[start - 1] == '.' && char.IsAsciiDigit(text[start - 2]))))
            return 0;
        var at = start;
        for (var part = 0; part < 4; part++)
        {
            if (part > 0 && (at >= text.Length || text[at++] != '.'))
                return 0;
            var end = Digits.Skip(text, at);
            if (end - at is < 1 or > 3 || int.Parse(text.AsSpan(at, end - at), null) > 255)
                return 0;
            at = end;
        }
        if (at == text.Length)
            return at;
        var goesOn = char.IsLetter(text[at]) || (text[at] == '.' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1]));
        return goesOn ? 0 : at;
    }

    private static void FindV6(string text, ref List<Finding>? found)
    {
        for (var colon = text.IndexOf(':'); colon >= 0;)
        {
            var start = colon;
            while (start > 0 && colon - start < LongestV6 && char.IsAsciiHexDigit(text[start - 1]))
                start--;
            var end = colon;
            while (end < text.Length && end - start <= LongestV6 && (char.IsAsciiHexDigit(text[end]) || text[end] is ':' or '.'))
                end++;
            var next = end;
            while (end > start && (text[end - 1] == '.' || (text[end - 1] == ':' && (end - start < 2 || text[end - 2] != ':'))))
                end--;
            var isWord = (start > 0 && char.IsLetterOrDigit(text[start - 1])) || (end < text.Length && char.IsLetterOrDigit(text[end]));
            if (!isWord && end - start > 2 && IPAddress.TryParse(text.AsSpan(start, end - start), out var address)
                && address.AddressFamily == AddressFamily.InterNetworkV6)
                Finding.Add(ref found, start, end, RedactionKind.IpAddress);
            colon = next < text.Length ? text.IndexOf(':', Math.Max(next, colon + 1)) : -1;
        }
    }
}
