using System.Collections.Frozen;
using NodaTime;

namespace ChatLogger.Http;

/// <summary>
/// Finds time zones by IANA name or alias (<c>Asia/Calcutta</c>). The time zone database ships with the service, so every host knows the
/// same zones and rules.
/// </summary>
internal static class TimeZones
{
    public const string Sentence = "Must be an IANA time zone such as Europe/Amsterdam.";

    // The provider would also accept texts such as UTC+3, which other programs do not know.
    private static readonly FrozenSet<string> Names = DateTimeZoneProviders.Tzdb.Ids.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> NamesInAnyCase = Names
        .GroupBy(name => name, StringComparer.OrdinalIgnoreCase)
        .ToFrozenDictionary(group => group.Key, group => group.First(), StringComparer.OrdinalIgnoreCase);

    /// <summary>Returns the zone of this name, with the name as given in <see cref="DateTimeZone.Id"/>; null when there is none.</summary>
    public static DateTimeZone? Find(string? name) => name is not null && Names.Contains(name) ? DateTimeZoneProviders.Tzdb[name] : null;

    /// <summary>
    /// Returns the zone that an organization has stored. Earlier versions accepted the host's zone names in any case: an unknown name means
    /// UTC, in every list, analytics query and export alike, and never causes an error.
    /// </summary>
    public static DateTimeZone OfOrganization(string? stored) =>
        Find(stored)
        ?? (stored is not null && NamesInAnyCase.TryGetValue(stored, out var name) ? DateTimeZoneProviders.Tzdb[name] : DateTimeZone.Utc);

    /// <summary>The offset of the zone from UTC at this instant.</summary>
    public static TimeSpan OffsetAt(this DateTimeZone zone, DateTimeOffset at) =>
        zone.GetUtcOffset(Instant.FromDateTimeOffset(at)).ToTimeSpan();

    /// <summary>
    /// Returns the first instant after <paramref name="at"/> and before <paramref name="end"/> with another offset; otherwise
    /// <paramref name="end"/>.
    /// </summary>
    public static DateTimeOffset NextChange(this DateTimeZone zone, DateTimeOffset at, DateTimeOffset end)
    {
        var interval = zone.GetZoneInterval(Instant.FromDateTimeOffset(at));
        var offset = interval.WallOffset;
        // A zone can change its abbreviation, or the daylight-saving part of its offset, while its total offset stays the same.
        while (interval.HasEnd && interval.End.ToDateTimeOffset() < end)
        {
            var change = interval.End;
            interval = zone.GetZoneInterval(change);
            if (interval.WallOffset != offset)
                return change.ToDateTimeOffset();
        }
        return end;
    }
}
