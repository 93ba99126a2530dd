using System.Collections.Frozen;
using NodaTime;

namespace ChatLogger.Http;

/// <summary>
/// Time zones as callers name them: the IANA names and their aliases (<c>Asia/Calcutta</c>), from the database that comes with the service, so that
/// every host knows the same ones and the same rules.
/// </summary>
internal static class TimeZones
{
    public const string Sentence = "Must be an IANA time zone such as Europe/Amsterdam.";

    // The provider would also make zones of texts such as UTC+3, which no other program knows.
    private static readonly FrozenSet<string> Names = DateTimeZoneProviders.Tzdb.Ids.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> NamesInAnyCase = Names
        .GroupBy(name => name, StringComparer.OrdinalIgnoreCase)
        .ToFrozenDictionary(group => group.Key, group => group.First(), StringComparer.OrdinalIgnoreCase);

    /// <summary>The zone of this name; its <see cref="DateTimeZone.Id"/> is the name as it was given. Null when there is none.</summary>
    public static DateTimeZone? Find(string? name) => name is not null && Names.Contains(name) ? DateTimeZoneProviders.Tzdb[name] : null;

    /// <summary>
    /// The zone that an organization has stored. Earlier versions took their names from the host, in any case: one that is not known here is UTC, in
    /// every list, analysis and export alike, and never a reason to refuse them.
    /// </summary>
    public static DateTimeZone OfOrganization(string? stored) =>
        Find(stored) ?? (stored is not null && NamesInAnyCase.TryGetValue(stored, out var name) ? DateTimeZoneProviders.Tzdb[name] : DateTimeZone.Utc);

    /// <summary>How far the zone's clocks are ahead of UTC at this instant.</summary>
    public static TimeSpan OffsetAt(this DateTimeZone zone, DateTimeOffset at) => zone.GetUtcOffset(Instant.FromDateTimeOffset(at)).ToTimeSpan();

    /// <summary>The first instant after <paramref name="at"/> and before <paramref name="end"/> with another offset; otherwise <paramref name="end"/>.</summary>
    public static DateTimeOffset NextChange(this DateTimeZone zone, DateTimeOffset at, DateTimeOffset end)
    {
        var interval = zone.GetZoneInterval(Instant.FromDateTimeOffset(at));
        var offset = interval.WallOffset;
        // A zone may change its abbreviation, or what part of its offset is summer time, without moving its clocks.
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
