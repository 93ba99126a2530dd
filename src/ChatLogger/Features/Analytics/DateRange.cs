using System.Globalization;
using ChatLogger.Http;
using NodaTime;

namespace ChatLogger.Features;

/// <summary>
/// The time an analysis is about: from an instant up to, and without, another; seen in a time zone. Callers give instants (RFC 3339) or dates,
/// which stand for the local midnights of the zone; by default it is the 30 local days that end with today.
/// </summary>
internal sealed record DateRange(DateTimeOffset From, DateTimeOffset To, DateTimeZone Zone, LocalDays Local)
{
    private const int DefaultDays = 30;

    /// <summary>As long, and just before.</summary>
    public DateTimeOffset PreviousFrom => From - (To - From);

    /// <summary>The zone that a caller names, or the one that its organization has.</summary>
    /// <exception cref="ProblemException">400: there is no zone of this name.</exception>
    public static DateTimeZone ZoneOf(string? given, string? organizations) => given is null
        ? TimeZones.OfOrganization(organizations)
        : TimeZones.Find(given) ?? throw ProblemException.Validation("tz", TimeZones.Sentence);

    /// <exception cref="ProblemException">400: an impossible date, from not before to, or more than the limit of local days.</exception>
    public static DateRange Parse(string? from, string? to, DateTimeZone zone, DateTimeOffset now, int maxDays)
    {
        var end = Instant("to", to, zone) ?? LocalDays.StartOf(DateOf(now, zone).AddDays(1), zone);
        // The day that the range ends with: the one of its last instant.
        var start = Instant("from", from, zone) ?? LocalDays.StartOf(DateOf(end.AddTicks(-1), zone).AddDays(1 - DefaultDays), zone);
        if (start >= end)
            throw ProblemException.Validation("from", "Must be before to.");
        if (end - start > TimeSpan.FromDays(maxDays + 2))
            throw TooLong(maxDays);
        // Not as start - (end - start): there may be no such date.
        if (start - DateTimeOffset.UnixEpoch.AddYears(-100) < end - start)
            throw ProblemException.Validation("from", "Is too long ago.");
        var local = LocalDays.Of(start, end, zone);
        return local.Days.Count <= maxDays ? new(start, end, zone, local) : throw TooLong(maxDays);
    }

    /// <summary>The instant that a caller wrote, or the first one of the local day.</summary>
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
            throw ProblemException.Validation(parameter, "Must be a date such as 2026-11-01 or a time such as 2026-11-01T12:00:00Z (RFC 3339).");
        // In the first and the last year there is not always a local day before or after.
        return instant.UtcDateTime.Year is > 1 and < 9999 ? instant.ToUniversalTime() : throw ProblemException.Validation(parameter, "Is out of range.");
    }

    private static DateOnly DateOf(DateTimeOffset instant, DateTimeZone zone) => DateOnly.FromDateTime((instant + zone.OffsetAt(instant)).UtcDateTime);

    private static ProblemException TooLong(int maxDays) => ProblemException.Validation("from", $"The range may have at most {maxDays} local days.");
}
