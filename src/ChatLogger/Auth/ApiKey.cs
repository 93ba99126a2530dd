using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ChatLogger.Auth;

/// <summary>
/// The format of API keys: <c>clk_&lt;public id&gt;_&lt;secret&gt;&lt;checksum&gt;</c>, all base62. The public id (16 characters)
/// identifies the key and may be shown; the secret (43) has 256 bits; the checksum (6) is the first 32 bits of the SHA-256 of everything
/// before it, so that the service rejects a mistyped or invented key without the database and secret scanners report no false positives.
/// </summary>
internal sealed record ApiKey(string PublicId, string Text)
{
    /// <summary>The pattern for secret scanners.</summary>
    public const string Pattern = "clk_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}";

    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const string Prefix = "clk_";
    private const int PublicIdLength = 16;
    private const int ChecksumLength = 6;
    private const int Length = 70;

    private static readonly SearchValues<char> Digits = SearchValues.Create(Alphabet);

    /// <summary>The hash that the database stores, and by which the settings name a key.</summary>
    public byte[] Sha256 => SHA256.HashData(Encoding.ASCII.GetBytes(Text));

    public string LastFour => Text[^4..];

    public static ApiKey Generate()
    {
        var publicId = RandomNumberGenerator.GetString(Alphabet, 16);
        var bare = $"clk_{publicId}_{RandomNumberGenerator.GetString(Alphabet, 43)}";
        return new(publicId, bare + Checksum(bare));
    }

    /// <summary>Returns the key if the text has its format and a correct checksum; else null.</summary>
    public static ApiKey? Parse(string? text) =>
        text is { Length: Length } && HasForm(text) && text.AsSpan(Length - ChecksumLength).SequenceEqual(Checksum(text[..^ChecksumLength]))
            ? new(text.Substring(Prefix.Length, PublicIdLength), text)
            : null;

    /// <summary>Writes the SHA-256 of a text that may be a key; returns false when its length or a character rules that out.</summary>
    public static bool TryHash(string? text, Span<byte> sha256)
    {
        Span<byte> ascii = stackalloc byte[Length];
        return text is { Length: Length }
            && Ascii.FromUtf16(text, ascii, out _) == OperationStatus.Done
            && SHA256.TryHashData(ascii, sha256, out _);
    }

    // The generated ToString of the record would print the secret.
    public override string ToString() => $"clk_{PublicId}_…{LastFour}";

    private static bool HasForm(ReadOnlySpan<char> text) =>
        text.StartsWith(Prefix, StringComparison.Ordinal)
        && text[Prefix.Length + PublicIdLength] == '_'
        && !text.Slice(Prefix.Length, PublicIdLength).ContainsAnyExcept(Digits)
        && !text[(Prefix.Length + PublicIdLength + 1)..].ContainsAnyExcept(Digits);

    private static string Checksum(string text)
    {
        var rest = BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.ASCII.GetBytes(text)));
        var digits = new char[ChecksumLength];
        for (var i = ChecksumLength - 1; i >= 0; i--)
        {
            digits[i] = Alphabet[(int)(rest % (uint)Alphabet.Length)];
            rest /= (uint)Alphabet.Length;
        }
        return new(digits);
    }
}
