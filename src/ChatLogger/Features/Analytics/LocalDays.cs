namespace ChatLogger.Features;

/// <summary>
/// The local days of a time zone that a range of time touches, cut into spans in which the local date is one and the same. A day usually is one
/// span of 23, 24 or 25 hours; where clocks were set back over midnight it is more than one, and a day that the zone left out has none. The
/// zone's rules are applied here and nowhere else: the database only compares instants.
/// </summary>
internal sealed class LocalDays
{
    /// <summary>No two changes of a zone's offset are closer together than this.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromHours(3);

    private LocalDays(IReadOnlyList<DateOnly> days, IReadOnlyList<(DateTimeOffset Start, int Day)> spans) => (Days, Spans) = (days, spans);

    /// <summary>The days, in order, each once.</summary>
    public IReadOnlyList<DateOnly> Days { get; }

    /// <summary>Where each span begins, and which of the <see cref="Days"/> it belongs to; it ends where the next one begins.</summary>
    public IReadOnlyList<(DateTimeOffset Start, int Day)> Spans { get; }

    public static LocalDays Of(DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone)
    {
        var spans = new List<(DateTimeOffset Start, DateOnly Date)>();
        for (var at = from; at < to;)
        {
            var offset = zone.GetUtcOffset(at);
            var change = NextChange(at, to, offset, zone);
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
    public static DateTimeOffset StartOf(DateOnly day, TimeZoneInfo zone)
    {
        // No offset is further from UTC than 14 hours, and a change moves the clock by a day at most.
        var at = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero).AddHours(-40);
        var end = at.AddHours(80);
        while (at < end)
        {
            var offset = zone.GetUtcOffset(at);
            var change = NextChange(at, end, offset, zone);
            var midnight = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero) - offset;
            if (midnight <= at)
                return at;
            if (midnight < change)
                return midnight;
            at = change;
        }
        return at;
    }

    private static DateTimeOffset NextChange(DateTimeOffset at, DateTimeOffset end, TimeSpan offset, TimeZoneInfo zone)
    {
        for (var same = at; same < end;)
        {
            var next = end - same < Step ? end : same + Step;
            if (zone.GetUtcOffset(next) != offset)
            {
                // Offsets change on whole seconds.
                var (low, high) = (same, next);
                while (high - low > TimeSpan.FromTicks(1))
                {
                    var middle = low + ((high - low) / 2);
                    if (zone.GetUtcOffset(middle) == offset)
                        low = middle;
                    else
                        high = middle;
                }
                return high;
            }
            same = next;
        }
        return end;
    }
}
