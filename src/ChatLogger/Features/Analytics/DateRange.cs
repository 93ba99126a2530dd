using System.Globalization;
using ChatLogger.Http;
using NodaTime;

namespace ChatLogger.Features;

/// <summary>
/// The range of an analysis: from one instant (inclusive) to another (exclusive), in a time zone. Callers give instants (RFC 3339) or
/// dates, which stand for midnight in the zone. The default is the 30 local days that end with today.
/// </summary>
internal sealed record DateRange(DateTimeOffset From, DateTimeOffset To, DateTimeZone Zone, LocalDays Local)
{
    private const int DefaultDays = 30;

    /// <summary>The start of the previous range, which has the same length and ends where this one starts.</summary>
    public DateTimeOffset PreviousFrom => From - (To - From);

    /// <summary>The time zone of the request, or else that of the organization.</summary>
    /// <exception cref="ProblemException">400: there is no time zone of this name.</exception>
    public static DateTimeZone ZoneOf(string? given, string? organizations) => given is null
        ? TimeZones.OfOrganization(organizations)
        : TimeZones.Find(given) ?? throw ProblemException.Validation("tz", TimeZones.Sentence);

    /// <exception cref="ProblemException">400: an invalid date, from is not before to, or the range has too many local days.</exception>
    public static DateRange Parse(string? from, string? to, DateTimeZone zone, DateTimeOffset now, int maxDays)
    {
        var end = Instant("to", to, zone) ?? LocalDays.StartOf(DateOf(now, zone).AddDays(1), zone);
        // The last day of the range is that of its last instant, because the end is exclusive.
        var start = Instant("from", from, zone) ?? LocalDays.StartOf(DateOf(end.AddTicks(-1), zone).AddDays(1 - DefaultDays), zone);
        if (start >= end)
            throw ProblemException.Validation("from", "Must be before to.");
        if (end - start > TimeSpan.FromDays(maxDays + 2))
            throw TooLong(maxDays);
        // Does not compute start - (end - start), which may be out of the range of DateTimeOffset.
        if (start - DateTimeOffset.UnixEpoch.AddYears(-100) < end - start)
            throw ProblemException.Validation("from", "Is too long ago.");
        var local = LocalDays.Of(start, end, zone);
        return local.Days.Count <= maxDays ? new(start, end, zone, local) : throw TooLong(maxDays);
    }

    /// <summary>Parses an instant, or a date to the first instant of that local day.</summary>
    public static DateTimeOffset? Instant(string parameter, string? text, DateTimeZone zone)
    {
        if (text is null)
            return null;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            return day.Year is > 1 and < 9999
                ? LocalDays.StartOf(day, zone)
                : throw ProblemException.Validation(parameter, "Is out of range.");
        }
        if (!Rfc3339.TryParse(text, out var instant))
            throw ProblemException.Validation(
                parameter,
                "Must be a date such as 2026-11-01 or a time such as 2026-11-01T12:00:00Z (RFC 3339).");
        // Excludes the first and the last year, in which the local day before or after may not be representable.
        return instant.UtcDateTime.Year is > 1 and < 9999
            ? instant.ToUniversalTime()
            : throw ProblemException.Validation(parameter, "Is out of range.");
    }

    private static DateOnly DateOf(DateTimeOffset instant, DateTimeZone zone) =>
        DateOnly.FromDateTime((instant + zone.OffsetAt(instant)).UtcDateTime);

    private static ProblemException TooLong(int maxDays) =>
        ProblemException.Validation("from", $"The range may have at most {maxDays} local days.");
}
