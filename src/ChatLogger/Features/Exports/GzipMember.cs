using System.IO.Compression;

namespace ChatLogger.Features;

/// <summary>A piece of a file as a gzip member of its own. Members after one another are the gzip encoding of the pieces after one another.</summary>
internal static class GzipMember
{
    public static byte[] Of(ReadOnlySpan<byte> piece)
    {
        using var member = new MemoryStream();
        // Without a byte the stream would write nothing at all, which is no member.
        if (piece.IsEmpty)
            return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        using (var gzip = new GZipStream(member, CompressionLevel.Fastest))
            gzip.Write(piece);
        return member.ToArray();
    }

    /// <exception cref="InvalidDataException">It is not a member of that length.</exception>
    public static byte[] Read(byte[] member, int length)
    {
        var piece = new byte[length];
        using var gzip = new GZipStream(new MemoryStream(member), CompressionMode.Decompress);
        if (gzip.ReadAtLeast(piece, length, throwOnEndOfStream: false) < length || gzip.ReadByte() >= 0)
            throw new InvalidDataException("A chunk of an export has another length than it should have.");
        return piece;
    }
}
