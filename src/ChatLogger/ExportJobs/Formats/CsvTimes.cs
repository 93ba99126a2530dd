using System.Buffers;
using NodaTime;

namespace ChatLogger.ExportJobs;

/// <summary>Writes cells with times: in UTC with Z, or in the local time of a zone with its offset.</summary>
internal sealed class CsvTimes(DateTimeZone? zone)
{
    // Caches the offset of the last cell and the interval in which it applies, because the next time nearly always falls into it.
    private DateTime _from = DateTime.MaxValue;
    private DateTime _to = DateTime.MinValue;
    private TimeSpan _offset;

    public void Cell(IBufferWriter<byte> output, DateTime? utc)
    {
        if (utc is not { } at)
            return;
        if (zone is null)
        {
            output.Time(at);
            return;
        }
        if (at < _from || at >= _to)
            Find(zone, at);
        output.Time(at + _offset, _offset);
    }

    private void Find(DateTimeZone zone, DateTime at)
    {
        var interval = zone.GetZoneInterval(Instant.FromDateTimeUtc(at));
        _from = interval.HasStart && interval.Start > Instant.FromUtc(1, 1, 2, 0, 0) ? interval.Start.ToDateTimeUtc() : DateTime.MinValue;
        _to = interval.HasEnd && interval.End < Instant.FromUtc(9999, 12, 30, 0, 0) ? interval.End.ToDateTimeUtc() : DateTime.MaxValue;
        // RFC 3339 allows no seconds in an offset. Only local mean times, mostly of the 19th century, have them.
        _offset = TimeSpan.FromMinutes(Math.Truncate(interval.WallOffset.ToTimeSpan().TotalMinutes));
    }
}
