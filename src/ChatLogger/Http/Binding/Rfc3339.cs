using System.Globalization;

namespace ChatLogger.Http;

/// <summary>
/// Instants in the format of RFC 3339, 5.6: <c>2026-11-01T12:00:00Z</c>, <c>2026-11-01t13:00:00.123456789+01:00</c>. The offset is
/// required. A fraction may have many digits, because Go, Java and Rust write nine; the part below a millisecond is truncated.
/// </summary>
internal static class Rfc3339
{
    private const string Seconds = "yyyy-MM-ddTHH:mm:ss";

    // No client needs more digits; without a limit a caller could send a fraction as long as the body.
    private const int MaxFractionDigits = 100;

    /// <summary>Parses an instant of the years 1 to 9999; the result is in UTC.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DateTimeOffset instant)
    {
        instant = default;
        if (text.Length <= Seconds.Length || text[10] is not ('T' or 't')
            || !DateTime.TryParseExact(text[..10], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            || !TimeSpan.TryParseExact(text[11..Seconds.Length], @"hh\:mm\:ss", CultureInfo.InvariantCulture, out var time))
            return false;

        var rest = text[Seconds.Length..];
        return TryReadFraction(ref rest, out var milliseconds)
            && TryReadOffset(rest, out var offset)
            && TryMove(date + time + TimeSpan.FromMilliseconds(milliseconds), -offset, out instant);
    }

    private static bool TryReadFraction(ref ReadOnlySpan<char> rest, out int milliseconds)
    {
        milliseconds = 0;
        if (rest is not ['.', ..])
            return true;
        var digits = rest[1..].IndexOfAnyExceptInRange('0', '9');
        if (digits is < 1 or > MaxFractionDigits)
            return false;
        for (var i = 0; i < 3; i++)
            milliseconds = (10 * milliseconds) + (i < digits ? rest[1 + i] - '0' : 0);
        rest = rest[(1 + digits)..];
        return true;
    }

    private static bool TryReadOffset(ReadOnlySpan<char> rest, out TimeSpan offset)
    {
        offset = default;
        if (rest is ['Z' or 'z'])
            return true;
        if (
            rest is not ['+' or '-', _, _, ':', _, _]
            || !TimeSpan.TryParseExact(rest[1..], @"hh\:mm", CultureInfo.InvariantCulture, out offset))
            return false;
        if (rest[0] == '-')
            offset = -offset;
        return true;
    }

    private static bool TryMove(DateTime local, TimeSpan by, out DateTimeOffset instant)
    {
        var ticks = local.Ticks + by.Ticks;
        var inRange = ticks >= DateTime.MinValue.Ticks && ticks <= DateTime.MaxValue.Ticks;
        instant = inRange ? new DateTimeOffset(ticks, TimeSpan.Zero) : default;
        return inRange;
    }
}
