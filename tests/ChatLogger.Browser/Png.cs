using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace ChatLogger.Browser;

internal static class Png
{
    private const int Signature = 8;

    /// <summary>The same picture, compressed as well as it can be; a browser compresses in a hurry.</summary>
    public static byte[] Smaller(ReadOnlySpan<byte> png)
    {
        using var whole = new MemoryStream();
        using var pixels = new MemoryStream();
        whole.Write(png[..Signature]);
        for (var at = Signature; at < png.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(png[at..]);
            var chunk = png.Slice(at + 4, 4 + length);
            at += 12 + length;
            if (chunk[..4].SequenceEqual("IDAT"u8))
            {
                pixels.Write(chunk[4..]);
                continue;
            }
            if (chunk[..4].SequenceEqual("IEND"u8))
                Write(whole, [.. "IDAT"u8, .. Compress(pixels)]);
            Write(whole, chunk);
        }
        return whole.ToArray();
    }

    private static byte[] Compress(MemoryStream pixels)
    {
        pixels.Position = 0;
        using var compressed = new MemoryStream();
        using (var from = new ZLibStream(pixels, CompressionMode.Decompress))
        using (var to = new ZLibStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
            from.CopyTo(to);
        return compressed.ToArray();
    }

    private static void Write(MemoryStream to, ReadOnlySpan<byte> chunk)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, chunk.Length - 4);
        to.Write(number);
        to.Write(chunk);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.HashToUInt32(chunk));
        to.Write(number);
    }
}
