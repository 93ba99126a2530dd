using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Unicode;

namespace ChatLogger.Auth;

/// <summary>
/// bcrypt (Provos and Mazières, "A Future-Adaptable Password Scheme", 1999) in managed code: makes <c>$2a$</c>, verifies <c>$2a$</c>,
/// <c>$2b$</c> and <c>$2y$</c>, which are one algorithm under three names. <c>$2x$</c>, the mark of an old bug, is refused.
/// </summary>
/// <remarks>
/// The hashes are those of crypt(3), pgcrypto and BCrypt.Net-Next. It differs from them in what it does not forgive: where they ignore
/// everything after 72 bytes or after a NUL, here such a password is refused, and so is text that has no UTF-8 form (a lone surrogate), for
/// otherwise two passwords would open the same door. A hash is read strictly: 60 characters, cost 04 to 31, and no stray bits in the last
/// character of salt and digest. No implementation writes such bits, so a hash that has them was not written by one.
/// </remarks>
/// <param name="cost">The binary logarithm of the work, 4 to 31: one more, twice the time.</param>
internal sealed class Bcrypt(int cost = 11) : IPasswordHasher
{
    private const int MaxPasswordBytes = 72;
    private const int SaltBytes = 16;
    private const int DigestBytes = 23; // Blowfish leaves 24; the first implementation dropped one and all others had to.
    private const int SaltAt = 7;
    private const int DigestAt = 29;
    private const int HashLength = 60;
    private const int Subkeys = 18;
    private const int MinCost = 4;
    private const int MaxCost = 31;

    // Base64, but with an alphabet of its own.
    private const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private readonly int _cost = cost is >= MinCost and <= MaxCost
        ? cost
        : throw new ArgumentOutOfRangeException(nameof(cost), cost, "The cost of bcrypt is 4 to 31.");

    public string Hash(string password)
    {
        ArgumentNullException.ThrowIfNull(password);
        Span<uint> key = stackalloc uint[Subkeys];
        Span<byte> salt = stackalloc byte[SaltBytes];
        Span<byte> digest = stackalloc byte[DigestBytes];
        try
        {
            if (!TryReadKey(password, key))
                throw new ArgumentException("bcrypt takes at most 72 bytes of UTF-8, without NUL or lone surrogates.", nameof(password));

            RandomNumberGenerator.Fill(salt);
            Digest(key, salt, _cost, digest);

            Span<char> hash = stackalloc char[HashLength];
            hash.TryWrite(CultureInfo.InvariantCulture, $"$2a${_cost:00}$", out _);
            Encode(salt, hash[SaltAt..DigestAt]);
            Encode(digest, hash[DigestAt..]);
            return new string(hash);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(key));
        }
    }

    public bool Verify(string password, string hash)
    {
        ArgumentNullException.ThrowIfNull(password);
        Span<uint> key = stackalloc uint[Subkeys];
        Span<byte> salt = stackalloc byte[SaltBytes];
        Span<byte> expected = stackalloc byte[DigestBytes];
        Span<byte> actual = stackalloc byte[DigestBytes];
        if (!TryParse(hash, out var itsCost, salt, expected))
            return false;

        try
        {
            // What cannot be a password is still hashed as far as it goes: the answer must not come sooner than any other.
            var possible = TryReadKey(password, key);
            Digest(key, salt, itsCost, actual);
            return CryptographicOperations.FixedTimeEquals(actual, expected) & possible;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(key));
            CryptographicOperations.ZeroMemory(actual);
        }
    }

    public bool NeedsRehash(string hash) =>
        !TryParse(hash, out var itsCost, stackalloc byte[SaltBytes], stackalloc byte[DigestBytes]) || itsCost < _cost;

    private static bool TryParse(ReadOnlySpan<char> hash, out int cost, Span<byte> salt, Span<byte> digest)
    {
        cost = 0;
        if (hash is not ['$', '2', 'a' or 'b' or 'y', '$', >= '0' and <= '9', >= '0' and <= '9', '$', ..] || hash.Length != HashLength)
            return false;

        cost = ((hash[4] - '0') * 10) + (hash[5] - '0');
        return cost is >= MinCost and <= MaxCost && TryDecode(hash[SaltAt..DigestAt], salt) && TryDecode(hash[DigestAt..], digest);
    }

    private static void Encode(ReadOnlySpan<byte> bytes, Span<char> text)
    {
        var (bits, count, next) = (0, 0, 0);
        for (var at = 0; at < text.Length; at++)
        {
            if (count < 6)
            {
                bits = (bits << 8) | (next < bytes.Length ? bytes[next++] : 0);
                count += 8;
            }
            count -= 6;
            text[at] = Alphabet[(bits >> count) & 63];
        }
    }

    private static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        var (bits, count, next) = (0, 0, 0);
        foreach (var letter in text)
        {
            var value = Alphabet.IndexOf(letter);
            if (value < 0)
                return false;
            bits = (bits << 6) | value;
            count += 6;
            if (count >= 8)
            {
                count -= 8;
                bytes[next++] = (byte)(bits >> count);
                bits &= (1 << count) - 1;
            }
        }
        return bits == 0; // The last character holds more bits than the last byte needs.
    }

    // The password and its NUL, over and over, until 72 bytes are full. False if that would not be the whole password.
    private static bool TryReadKey(string password, Span<uint> key)
    {
        Span<byte> utf8 = stackalloc byte[MaxPasswordBytes + 1];
        var status = Utf8.FromUtf16(password, utf8[..MaxPasswordBytes], out _, out var length, replaceInvalidSequences: false);
        utf8[length] = 0;
        Cycle(utf8[..(length + 1)], key);
        var whole = status == OperationStatus.Done & !utf8[..length].Contains((byte)0);
        CryptographicOperations.ZeroMemory(utf8);
        return whole;
    }

    private static void Cycle(ReadOnlySpan<byte> bytes, Span<uint> words)
    {
        var next = 0;
        foreach (ref var word in words)
        {
            for (var i = 0; i < 4; i++)
            {
                word = (word << 8) | bytes[next];
                next = next + 1 == bytes.Length ? 0 : next + 1;
            }
        }
    }

    private static void Digest(ReadOnlySpan<uint> key, ReadOnlySpan<byte> salt, int cost, Span<byte> digest)
    {
        Span<uint> p = stackalloc uint[Subkeys];
        Span<uint> s = stackalloc uint[1024];
        BlowfishTables.P.CopyTo(p);
        BlowfishTables.S.CopyTo(s);

        Span<uint> saltKey = stackalloc uint[Subkeys];
        Cycle(salt, saltKey);

        Expand(p, s, key, saltKey);
        ReadOnlySpan<uint> noSalt = [0, 0, 0, 0];
        for (var rounds = 1u << cost; rounds > 0; rounds--)
        {
            Expand(p, s, key, noSalt);
            Expand(p, s, saltKey, noSalt);
        }

        Span<byte> text = stackalloc byte[24];
        "OrpheanBeholderScryDoubt"u8.CopyTo(text);
        for (var block = text; !block.IsEmpty; block = block[8..])
        {
            var left = BinaryPrimitives.ReadUInt32BigEndian(block);
            var right = BinaryPrimitives.ReadUInt32BigEndian(block[4..]);
            for (var i = 0; i < 64; i++)
                Encipher(p, s[..256], s[256..512], s[512..768], s[768..1024], ref left, ref right);
            BinaryPrimitives.WriteUInt32BigEndian(block, left);
            BinaryPrimitives.WriteUInt32BigEndian(block[4..], right);
        }
        text[..DigestBytes].CopyTo(digest);

        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(p));
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(s));
        CryptographicOperations.ZeroMemory(text);
    }

    // All the time goes here, in 521 encryptions that each wait for the one before. A slice of 256 indexed by a byte needs no bounds check,
    // so this keeps up with the C of crypt(3) without a pointer. Without the attribute the first login would run in the slow tier, and wait
    // twice as long.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Expand(Span<uint> p, Span<uint> s, ReadOnlySpan<uint> key, ReadOnlySpan<uint> salt)
    {
        p = p[..Subkeys];
        key = key[..Subkeys];
        salt = salt[..4];
        var s0 = s[..256];
        var s1 = s[256..512];
        var s2 = s[512..768];
        var s3 = s[768..1024];

        for (var i = 0; i < p.Length; i++)
            p[i] ^= key[i];

        uint left = 0, right = 0;
        for (var i = 0; i < p.Length; i += 2)
        {
            left ^= salt[i & 2];
            right ^= salt[(i & 2) + 1];
            Encipher(p, s0, s1, s2, s3, ref left, ref right);
            p[i] = left;
            p[i + 1] = right;
        }
        // 18 subkeys took an odd number of blocks: the boxes go on with the salt's second half.
        for (var i = 0; i < s.Length; i += 2)
        {
            left ^= salt[~i & 2];
            right ^= salt[(~i & 2) + 1];
            Encipher(p, s0, s1, s2, s3, ref left, ref right);
            s[i] = left;
            s[i + 1] = right;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Encipher(
        ReadOnlySpan<uint> p, ReadOnlySpan<uint> s0, ReadOnlySpan<uint> s1, ReadOnlySpan<uint> s2, ReadOnlySpan<uint> s3,
        ref uint left, ref uint right)
    {
        var (l, r) = (left ^ p[0], right);
        for (var i = 1; i < 17; i += 2)
        {
            r ^= p[i] ^ Mix(s0, s1, s2, s3, l);
            l ^= p[i + 1] ^ Mix(s0, s1, s2, s3, r);
        }
        (left, right) = (r ^ p[17], l);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Mix(ReadOnlySpan<uint> s0, ReadOnlySpan<uint> s1, ReadOnlySpan<uint> s2, ReadOnlySpan<uint> s3, uint x) =>
        ((s0[(byte)(x >> 24)] + s1[(byte)(x >> 16)]) ^ s2[(byte)(x >> 8)]) + s3[(byte)x];
}
