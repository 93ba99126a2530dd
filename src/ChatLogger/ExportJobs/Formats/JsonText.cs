using System.Buffers;

namespace ChatLogger.ExportJobs;

/// <summary>Writes compact JSON. It escapes only what JSON requires and copies everything else byte for byte.</summary>
internal static class JsonText
{
    private static readonly SearchValues<byte> Special = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(code => (byte)code), (byte)'"', (byte)'\\']);

    public static void JsonString(this IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        output.Byte((byte)'"');
        for (var next = text.IndexOfAny(Special); next >= 0; next = text.IndexOfAny(Special))
        {
            output.Write(text[..next]);
            Escape(output, text[next]);
            text = text[(next + 1)..];
        }
        output.Write(text);
        output.Byte((byte)'"');
    }

    public static void JsonStringOrNull(this IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
            output.Write("null"u8);
        else
            output.JsonString(text);
    }

    public static void JsonNumberOrNull(this IBufferWriter<byte> output, int? number)
    {
        if (number is { } value)
            output.Number(value);
        else
            output.Write("null"u8);
    }

    public static void JsonId(this IBufferWriter<byte> output, Guid? id)
    {
        if (id is not { } value)
        {
            output.Write("null"u8);
            return;
        }
        output.Byte((byte)'"');
        output.Id(value);
        output.Byte((byte)'"');
    }

    public static void JsonTime(this IBufferWriter<byte> output, DateTime utc)
    {
        output.Byte((byte)'"');
        output.Time(utc);
        output.Byte((byte)'"');
    }

    /// <summary>
    /// Writes JSON text from the database. What the service stores has no line breaks; one that was put into the database by hand must not
    /// break a line of a JSON Lines file.
    /// </summary>
    public static void Json(this IBufferWriter<byte> output, ReadOnlySpan<byte> json)
    {
        for (var next = json.IndexOfAny((byte)'\n', (byte)'\r'); next >= 0; next = json.IndexOfAny((byte)'\n', (byte)'\r'))
        {
            output.Write(json[..next]);
            output.Byte((byte)' ');
            json = json[(next + 1)..];
        }
        output.Write(json);
    }

    public static void JsonOrNull(this IBufferWriter<byte> output, ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty)
            output.Write("null"u8);
        else
            output.Json(json);
    }

    public static void JsonFeedback(this IBufferWriter<byte> output, in ExportedFeedback feedback)
    {
        if (feedback.Rating.IsEmpty)
        {
            output.Write("null"u8);
            return;
        }
        output.Write("{\"rating\":"u8);
        output.JsonString(feedback.Rating);
        output.Write(",\"comment\":"u8);
        output.JsonStringOrNull(feedback.Comment);
        output.Write(",\"at\":"u8);
        output.JsonTime(feedback.At);
        output.Byte((byte)'}');
    }

    private static void Escape(IBufferWriter<byte> output, byte special)
    {
        output.Byte((byte)'\\');
        switch (special)
        {
            case (byte)'"' or (byte)'\\':
                output.Byte(special);
                break;
            case (byte)'\n':
                output.Byte((byte)'n');
                break;
            case (byte)'\r':
                output.Byte((byte)'r');
                break;
            case (byte)'\t':
                output.Byte((byte)'t');
                break;
            default:
                output.Write("u00"u8);
                output.Byte((byte)('0' + (special >> 4)));
                output.Byte("0123456789abcdef"u8[special & 15]);
                break;
        }
    }
}
