using ChatLogger.Http;
using NodaTime;

namespace ChatLogger.Features;

/// <summary>
/// The local days of a time zone that a range of time touches, divided into spans with the same local date. A day is usually one span of
/// 23, 24 or 25 hours. If clocks were set back over midnight, it is several spans; a day that the zone skipped has none. Only this class
/// applies the rules of time zones; the database only compares instants.
/// </summary>
internal sealed class LocalDays
{
    private LocalDays(IReadOnlyList<DateOnly> days, IReadOnlyList<(DateTimeOffset Start, int Day)> spans) =>
        (Days, Buckets) = (days, spans);

    /// <summary>The distinct days in order.</summary>
    public IReadOnlyList<DateOnly> Days { get; }

    /// <summary>The start of each span and the index of its day in <see cref="Days"/>. A span ends where the next one starts.</summary>
    public IReadOnlyList<(DateTimeOffset Start, int Day)> Buckets { get; }

    public static LocalDays Of(DateTimeOffset from, DateTimeOffset to, DateTimeZone zone)
    {
        var spans = new List<(DateTimeOffset Start, DateOnly Date)>();
        for (var at = from; at < to;)
        {
            var offset = zone.OffsetAt(at);
            var change = zone.NextChange(at, to);
            // While the offset is constant, the spans are split at each local midnight.
            while (at < change)
            {
                var date = DateOnly.FromDateTime((at + offset).UtcDateTime);
                spans.Add((at, date));
                var midnight = new DateTimeOffset(date.AddDays(1), TimeOnly.MinValue, TimeSpan.Zero) - offset;
                at = midnight < change ? midnight : change;
            }
        }

        // Sorts the days, because a range may begin just after midnight, before clocks are set back into the previous day.
        var days = spans.Select(span => span.Date).Distinct().Order().ToList();
        return new(days, [.. spans.Select(span => (span.Start, days.IndexOf(span.Date)))]);
    }

    /// <summary>The first instant of a local day; if the zone skipped the day, that of the next existing one.</summary>
    public static DateTimeOffset StartOf(DateOnly day, DateTimeZone zone)
    {
        // An offset is at most 14 hours from UTC, and a change moves the clock by at most a day.
        var at = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero).AddHours(-40);
        var end = at.AddHours(80);
        while (at < end)
        {
            var offset = zone.OffsetAt(at);
            var change = zone.NextChange(at, end);
            var midnight = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero) - offset;
            if (midnight <= at)
                return at;
            if (midnight < change)
                return midnight;
            at = change;
        }
        return at;
    }
}
