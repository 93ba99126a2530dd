using System.Buffers.Binary;
using System.IO.Compression;

namespace ChatLogger.ExportJobs;

/// <summary>
/// A gzip file (RFC 1952) in pieces that are compressed one by one: a head, the pieces, a tail. It is one member, not one for each piece: curl and
/// browsers take the first member for the whole, and would show a shorter file without a word.
/// </summary>
internal static class Gzip
{
    /// <summary>The last block of a deflate stream (RFC 1951), with nothing in it.</summary>
    public static readonly byte[] End = [3, 0];

    /// <summary>What is held of a piece that is read.</summary>
    private const int BlockBytes = 65_536;

    public static ReadOnlyMemory<byte> Head { get; } = new byte[] { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff };

    /// <summary>A piece as blocks of deflate that end on a byte, none of them the last, and refer to nothing before them.</summary>
    public static byte[] Piece(ReadOnlySpan<byte> bytes)
    {
        using var piece = new MemoryStream();
        using var deflate = new DeflateStream(piece, CompressionLevel.Fastest, leaveOpen: true);
        deflate.Write(bytes);
        deflate.Flush();
        // Disposing writes the last block; that one is the tail's.
        return piece.ToArray();
    }

    /// <summary>What a piece with an <see cref="End"/> holds, block by block; each is good until the next one.</summary>
    /// <exception cref="InvalidDataException">It is not a piece of that length.</exception>
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

    /// <summary>What comes after the last piece: the CRC-32 and the length of the whole, uncompressed.</summary>
    public static ReadOnlyMemory<byte> Tail(uint crc32, long length)
    {
        var tail = new byte[10];
        End.CopyTo(tail);
        BinaryPrimitives.WriteUInt32LittleEndian(tail.AsSpan(2), crc32);
        BinaryPrimitives.WriteUInt32LittleEndian(tail.AsSpan(6), unchecked((uint)length));
        return tail;
    }
}
