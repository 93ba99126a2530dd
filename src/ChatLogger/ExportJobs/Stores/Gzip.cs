using System.Buffers.Binary;
using System.IO.Compression;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Builds a gzip file (RFC 1952) of pieces that are compressed one by one: a header, the pieces, a trailer. They form a single gzip member,
/// because curl and browsers take the first member for the whole file and would silently truncate it.
/// </summary>
internal static class Gzip
{
    /// <summary>An empty final block of a deflate stream (RFC 1951).</summary>
    public static readonly byte[] End = [3, 0];

    /// <summary>The buffer size for decompressing a piece.</summary>
    private const int BlockBytes = 65_536;

    public static ReadOnlyMemory<byte> Head { get; } = new byte[] { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff };

    /// <summary>
    /// Compresses a piece to deflate blocks that end on a byte boundary, are not final, and do not refer to data before the piece.
    /// </summary>
    public static byte[] Piece(ReadOnlySpan<byte> bytes)
    {
        using var piece = new MemoryStream();
        using var deflate = new DeflateStream(piece, CompressionLevel.Fastest, leaveOpen: true);
        deflate.Write(bytes);
        deflate.Flush();
        // The array is taken before the stream is disposed, because disposing appends the final block, which belongs to the end of the
        // file.
        return piece.ToArray();
    }

    /// <summary>
    /// Decompresses a piece that is followed by <see cref="End"/>, block by block. A block is valid until the next one is requested.
    /// </summary>
    /// <exception cref="InvalidDataException">The piece does not decompress to the given length.</exception>
    public static IEnumerable<ReadOnlyMemory<byte>> Read(byte[] piece, int length)
    {
        using var deflate = new DeflateStream(new MemoryStream(piece, writable: false), CompressionMode.Decompress);
        var block = new byte[Math.Min(length, BlockBytes)];
        for (var left = length; left > 0; left -= block.Length)
        {
            if (left < block.Length)
                block = new byte[left];
            if (deflate.ReadAtLeast(block, block.Length, throwOnEndOfStream: false) < block.Length)
                throw OtherLength();
            yield return block;
        }
        if (deflate.ReadByte() >= 0)
            throw OtherLength();
    }

    private static InvalidDataException OtherLength() => new("A chunk of an export has another length than it should have.");

    /// <summary>The bytes after the last piece: the CRC-32 and the length of the uncompressed file.</summary>
    public static ReadOnlyMemory<byte> Tail(uint crc32, long length)
    {
        var tail = new byte[10];
        End.CopyTo(tail);
        BinaryPrimitives.WriteUInt32LittleEndian(tail.AsSpan(2), crc32);
        BinaryPrimitives.WriteUInt32LittleEndian(tail.AsSpan(6), unchecked((uint)length));
        return tail;
    }
}
