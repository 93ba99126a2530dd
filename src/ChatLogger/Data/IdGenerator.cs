using System.Buffers.Binary;

namespace ChatLogger.Data;

/// <summary>
/// Generates the id and the time of a new row in the process: a UUIDv7 (RFC 9562, 5.7), and the instant in whole milliseconds, which is the
/// precision of ids, responses and cursors.
/// </summary>
internal sealed class IdGenerator(TimeProvider time)
{
    public (Guid Id, DateTimeOffset Now) Next()
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        return (Guid.CreateVersion7(now), now);
    }

    /// <summary>When an id was generated, in whole milliseconds; null: it is no UUIDv7.</summary>
    public static DateTimeOffset? TimeOf(Guid id)
    {
        if (id.Version != 7)
            return null;
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes) >>> 16);
    }
}
