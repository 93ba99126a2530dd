using System.Buffers;

namespace ChatLogger.Rollups;

// The encoding of the quarters of chats.
internal static partial class RollupCodec
{
    /// <param name="quarter">What to encode.</param>
    /// <param name="start">The start of the quarter in milliseconds since 1970; times are encoded relative to it.</param>
    public static byte[] Of(ChatQuarter quarter, long start)
    {
        var bytes = new ArrayBufferWriter<byte>(64);
        Write(bytes, quarter.FirstAt - start + 1 ?? 0);
        Write(bytes, quarter.FirstAssistantAt - start + 1 ?? 0);
        var last = 0;
        foreach (var (model, counts) in quarter.Models)
        {
            Write(bytes, model - last);
            Write(bytes, quarter.LastTimes.TryGetValue(model, out var at) ? at - start + 1 : 0);
            var encoded = Of(counts);
            Write(bytes, encoded.Length);
            bytes.Write(encoded);
            last = model;
        }
        return bytes.WrittenSpan.ToArray();
    }

    public static ChatQuarter Quarter(ReadOnlySpan<byte> bytes, long start)
    {
        var quarter = new ChatQuarter { FirstAt = Time(ref bytes), FirstAssistantAt = Time(ref bytes) };
        for (var model = 0; bytes.Length > 0;)
        {
            model += (int)Read(ref bytes);
            if (Time(ref bytes) is { } last)
                quarter.LastTimes[model] = last;
            var length = (int)Read(ref bytes);
            var counts = new BucketCounts();
            counts.Add(bytes[..length]);
            quarter.Models.Add(model, counts);
            bytes = bytes[length..];
        }
        return quarter;

        long? Time(ref ReadOnlySpan<byte> from) => Read(ref from) is var after and > 0 ? start + after - 1 : null;
    }
}
