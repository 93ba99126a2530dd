using System.Buffers;

namespace ChatLogger.ExportJobs;

/// <summary>Writes values as UTF-8 straight into a buffer, without an intermediate string.</summary>
internal static class Utf8Text
{
    public static void Id(this IBufferWriter<byte> output, Guid id)
    {
        id.TryFormat(output.GetSpan(36), out var written);
        output.Advance(written);
    }

    public static void Number(this IBufferWriter<byte> output, int number)
    {
        number.TryFormat(output.GetSpan(11), out var written, default, System.Globalization.CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    /// <summary>RFC 3339 in UTC with milliseconds and Z.</summary>
    public static void Time(this IBufferWriter<byte> output, DateTime utc)
    {
        var span = output.GetSpan(32);
        // The format "O" is the fast one; its seven fractional digits are cut to three.
        utc.TryFormat(span, out _, "O", System.Globalization.CultureInfo.InvariantCulture);
        span[23] = (byte)'Z';
        output.Advance(24);
    }

    /// <summary>RFC 3339 with milliseconds and an offset of whole minutes.</summary>
    public static void Time(this IBufferWriter<byte> output, DateTime local, TimeSpan offset)
    {
        var span = output.GetSpan(40);
        DateTime
            .SpecifyKind(local, DateTimeKind.Unspecified)
            .TryFormat(span, out _, "O", System.Globalization.CultureInfo.InvariantCulture);
        var minutes = (int)Math.Abs(offset.TotalMinutes);
        span[23] = (byte)(offset < TimeSpan.Zero ? '-' : '+');
        (minutes / 60).TryFormat(span[24..], out _, "00", System.Globalization.CultureInfo.InvariantCulture);
        span[26] = (byte)':';
        (minutes % 60).TryFormat(span[27..], out _, "00", System.Globalization.CultureInfo.InvariantCulture);
        output.Advance(29);
    }

    public static void Byte(this IBufferWriter<byte> output, byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }
}
