using System.Globalization;

namespace ChatLogger.Http;

/// <summary>Instants as RFC 3339 writes them (<c>2026-11-01T12:00:00Z</c>, <c>…T13:00:00.5+01:00</c>): an offset is always there.</summary>
internal static class Rfc3339
{
    private static readonly string[] Formats = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    public static bool TryParse(string text, out DateTimeOffset instant)
    {
        instant = default;
        var zoned = text.EndsWith('Z') || (text.Length > 6 && text[^6] is '+' or '-');
        return zoned && !text.EndsWith(".Z", StringComparison.Ordinal)
            && DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out instant);
    }
}
