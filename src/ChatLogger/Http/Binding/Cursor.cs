using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace ChatLogger.Http;

/// <summary>
/// The end of a keyset page. A cursor is opaque to the caller and bound to the list it came from: its name, organization and filters. A
/// malformed cursor, or one of another list, is rejected. A cursor grants no access: the statement that uses it names the organization
/// itself.
/// </summary>
internal static class Cursor
{
    private const int MarkLength = 8;

    /// <summary>Encodes a position in a list ordered by time, then id.</summary>
    public static string Encode(string list, DateTimeOffset time, Guid id)
    {
        Span<byte> position = stackalloc byte[24];
        BinaryPrimitives.WriteInt64BigEndian(position, time.UtcTicks);
        id.TryWriteBytes(position[8..], bigEndian: true, out _);
        return Encode(list, position);
    }

    /// <summary>Encodes a position in a list ordered by the arrival sequence.</summary>
    public static string Encode(string list, long sequence)
    {
        Span<byte> position = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(position, sequence);
        return Encode(list, position);
    }

    /// <summary>Returns the position; null when there is no cursor.</summary>
    public static (DateTimeOffset Time, Guid Id)? DecodeTimeAndId(string list, string? cursor)
    {
        if (cursor is null)
            return null;
        var position = Decode(list, cursor, 24);
        var ticks = BinaryPrimitives.ReadInt64BigEndian(position);
        return ticks >= 0 && ticks <= DateTime.MaxValue.Ticks
            ? (new DateTimeOffset(ticks, TimeSpan.Zero), new Guid(position.AsSpan(8), bigEndian: true))
            : throw Malformed();
    }

    /// <summary>Encodes a position for the page that ends before it.</summary>
    public static string EncodeBefore(string list, long sequence) => Encode(list, -sequence);

    /// <summary>Returns the position, negative if the page ends before it; null when there is no cursor.</summary>
    public static long? DecodeSequence(string list, string? cursor) =>
        cursor is null ? null : BinaryPrimitives.ReadInt64BigEndian(Decode(list, cursor, 8));

    /// <summary>Encodes a position in the arrival sequence, and a time.</summary>
    public static string Encode(string list, DateTimeOffset time, long sequence)
    {
        Span<byte> position = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(position, time.UtcTicks);
        BinaryPrimitives.WriteInt64BigEndian(position[8..], sequence);
        return Encode(list, position);
    }

    /// <summary>Returns the position and the time; null when the cursor is malformed or of another list.</summary>
    public static (DateTimeOffset Time, long Sequence)? TryDecodeTimeAndSequence(string list, string cursor)
    {
        if (TryDecode(list, cursor, 16) is not { } position)
            return null;
        var ticks = BinaryPrimitives.ReadInt64BigEndian(position);
        return ticks >= 0 && ticks <= DateTime.MaxValue.Ticks
            ? (new DateTimeOffset(ticks, TimeSpan.Zero), BinaryPrimitives.ReadInt64BigEndian(position.AsSpan(8)))
            : null;
    }

    private static string Encode(string list, ReadOnlySpan<byte> position) =>
        Base64Url.EncodeToString([.. position, .. Mark(list, position)]);

    private static byte[] Decode(string list, string cursor, int length) => TryDecode(list, cursor, length) ?? throw Malformed();

    private static byte[]? TryDecode(string list, string cursor, int length)
    {
        Span<byte> bytes = stackalloc byte[length + MarkLength];
        // Encoding again rejects non-canonical spellings that decode to the same bytes.
        if (cursor.Length > 64
            || Base64Url.DecodeFromChars(cursor, bytes, out _, out var written) != OperationStatus.Done
            || written != bytes.Length
            || Base64Url.EncodeToString(bytes) != cursor
            || !bytes[length..].SequenceEqual(Mark(list, bytes[..length])))
            return null;
        return bytes[..length].ToArray();
    }

    private static ReadOnlySpan<byte> Mark(string list, ReadOnlySpan<byte> position) =>
        SHA256.HashData([.. Encoding.UTF8.GetBytes(list), 0, .. position]).AsSpan(0, MarkLength);

    private static ProblemException Malformed() =>
        ProblemException.Validation("cursor", "Is not a cursor of this list: take nextCursor as it was given, with the same filters.");
}
