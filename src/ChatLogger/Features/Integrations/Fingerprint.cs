using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>The SHA-256 hash of what a message says. It is a value, because a sender that repeats conversations sends thousands.</summary>
internal readonly record struct Fingerprint(UInt128 Begin, UInt128 End)
{
    private const int HalfSize = 16;

    /// <summary>Of a hash that is stored.</summary>
    public static Fingerprint Of(ReadOnlySpan<byte> sha256) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(sha256), BinaryPrimitives.ReadUInt128BigEndian(sha256[HalfSize..]));

    /// <summary>The hash of a message, as the statement of <see cref="StoredTranscripts"/> computes it of a stored one.</summary>
    public static Fingerprint Of(string role, string? content, RawJsonArray? parts, RawJsonArray? toolCalls, string? toolCallId)
    {
        var longest = Encoding.UTF8.GetMaxByteCount(role.Length + (content?.Length ?? 0) + (toolCallId?.Length ?? 0))
            + (parts?.Utf8.Length ?? 0) + (toolCalls?.Utf8.Length ?? 0) + 4;
        var rented = ArrayPool<byte>.Shared.Rent(longest);
        var length = Encoding.UTF8.GetBytes(role, rented);
        AddText(content);
        AddJson(parts);
        AddJson(toolCalls);
        AddText(toolCallId);
        Span<byte> sha256 = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(rented.AsSpan(0, length), sha256);
        ArrayPool<byte>.Shared.Return(rented);
        return Of(sha256);

        void AddText(string? text)
        {
            rented[length++] = 1;
            length += Encoding.UTF8.GetBytes(text, rented.AsSpan(length));
        }

        void AddJson(RawJsonArray? json)
        {
            rented[length++] = 1;
            json?.Utf8.Span.CopyTo(rented.AsSpan(length));
            length += json?.Utf8.Length ?? 0;
        }
    }

    public byte[] ToSha256()
    {
        var sha256 = new byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt128BigEndian(sha256, Begin);
        BinaryPrimitives.WriteUInt128BigEndian(sha256.AsSpan(HalfSize), End);
        return sha256;
    }
}
