using System.Buffers;

namespace ChatLogger.Rollups;

/// <summary>
/// The binary encoding of counts: integers as varints (LEB128: seven bits per byte, least significant first, the eighth bit marks a
/// continuation). Lists are sorted and delta-encoded, so that equal counts have equal bytes.
/// </summary>
internal static partial class RollupCodec
{
    public static byte[] Of(BucketCounts counts)
    {
        var bytes = new ArrayBufferWriter<byte>(64);
        foreach (
            var number in (ReadOnlySpan<long>)
                [counts.Chats, counts.Tokens, counts.PromptTokens, counts.CompletionTokens, counts.Up, counts.Down])
            Write(bytes, number);
        Write(bytes, counts.Roles.Length);
        foreach (var messages in counts.Roles)
            Write(bytes, messages);
        Write(bytes, counts.Latencies.Sum);
        Write(bytes, counts.Latencies.Max);
        var last = 0;
        foreach (var (bucket, count) in counts.Latencies.Buckets)
        {
            Write(bytes, bucket - last);
            Write(bytes, count);
            last = bucket;
        }
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Decodes counts and adds them.</summary>
    public static void Add(this BucketCounts counts, ReadOnlySpan<byte> bytes)
    {
        counts.Chats += Read(ref bytes);
        counts.Tokens += Read(ref bytes);
        counts.PromptTokens += Read(ref bytes);
        counts.CompletionTokens += Read(ref bytes);
        counts.Up += Read(ref bytes);
        counts.Down += Read(ref bytes);
        var roles = (int)Read(ref bytes);
        for (var role = 0; role < roles; role++)
            counts.Roles[role] += Read(ref bytes);
        var (sum, max) = (Read(ref bytes), Read(ref bytes));
        for (var bucket = 0; bytes.Length > 0;)
        {
            bucket += (int)Read(ref bytes);
            counts.Latencies.Add(bucket, Read(ref bytes));
        }
        counts.Latencies.Retain(sum, max);
    }

    public static void Write(ArrayBufferWriter<byte> bytes, long number)
    {
        var span = bytes.GetSpan(10);
        var length = 0;
        var rest = (ulong)number;
        for (; rest >= 0x80; rest >>= 7)
            span[length++] = (byte)(rest | 0x80);
        span[length++] = (byte)rest;
        bytes.Advance(length);
    }

    public static long Read(scoped ref ReadOnlySpan<byte> bytes)
    {
        ulong number = 0;
        for (var (i, shift) = (0, 0); ; i++, shift += 7)
        {
            number |= (ulong)(bytes[i] & 0x7F) << shift;
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return (long)number;
            }
        }
    }
}
