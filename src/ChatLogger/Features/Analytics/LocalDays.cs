using ChatLogger.Http;
using NodaTime;

namespace ChatLogger.Features;

/// <summary>
/// The local days of a time zone that a range of time touches, cut into spans in which the local date is one and the same. A day usually is one
/// span of 23, 24 or 25 hours; where clocks were set back over midnight it is more than one, and a day that the zone left out has none. The
/// zone's rules are applied here and nowhere else: the database only compares instants.
/// </summary>
internal sealed class LocalDays
{
    private LocalDays(IReadOnlyList<DateOnly> days, IReadOnlyList<(DateTimeOffset Start, int Day)> spans) => (Days, Buckets) = (days, spans);

    /// <summary>The days, in order, each once.</summary>
    public IReadOnlyList<DateOnly> Days { get; }

    /// <summary>Where each span begins, and which of the <see cref="Days"/> it belongs to; it ends where the next one begins.</summary>
    public IReadOnlyList<(DateTimeOffset Start, int Day)> Buckets { get; }

    public static LocalDays Of(DateTimeOffset from, DateTimeOffset to, DateTimeZone zone)
    {
        var spans = new List<(DateTimeOffset Start, DateOnly Date)>();
        for (var at = from; at < to;)
        {
            var offset = zone.OffsetAt(at);
            var change = zone.NextChange(at, to);
            // Within one offset local time is a straight line, cut at its midnights.
            while (at < change)
            {
                var date = DateOnly.FromDateTime((at + offset).UtcDateTime);
                spans.Add((at, date));
                var midnight = new DateTimeOffset(date.AddDays(1), TimeOnly.MinValue, TimeSpan.Zero) - offset;
                at = midnight < change ? midnight : change;
            }
        }

        // Sorted, for a range may begin in the first minute of a day that was then set back into the day before.
        var days = spans.Select(span => span.Date).Distinct().Order().ToList();
        return new(days, [.. spans.Select(span => (span.Start, days.IndexOf(span.Date)))]);
    }

    /// <summary>The first instant of a local day; where the zone left the day out, of the next one there is.</summary>
    public static DateTimeOffset StartOf(DateOnly day, DateTimeZone zone)
    {
        // No offset is further from UTC than 14 hours, and a change moves the clock by a day at most.
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
