using System.Security.Cryptography;

namespace ChatLogger.Http;

/// <summary>
/// Hashes the bodies of requests with an Idempotency-Key: an HMAC under a secret of the service, so that what is stored does not tell what
/// was replaced in the body, not even to somebody who guesses it.
/// </summary>
/// <param name="secrets">The secrets of the service; the current one first.</param>
internal sealed class BodyHashes(IReadOnlyList<byte[]> secrets)
{
    private readonly byte[][] _keys = [.. secrets.Select(secret => HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: Info))];

    private static byte[] Info => "chatlogger idempotency"u8.ToArray();

    /// <summary>The hash of a body with this SHA-256, which is neither stored nor logged.</summary>
    public BodyHash Of(ReadOnlySpan<byte> sha256)
    {
        var hashes = new byte[_keys.Length + 1][];
        for (var i = 0; i < _keys.Length; i++)
            hashes[i] = HMACSHA256.HashData(_keys[i], sha256);
        // What was stored by the version before, for a day.
        hashes[^1] = sha256.ToArray();
        return new(hashes);
    }
}

/// <summary>The hash of a body: the one that is stored, and those that the same body may have been stored under before.</summary>
internal sealed class BodyHash(params byte[][] hashes)
{
    public byte[] Stored => hashes[0];

    public bool Matches(byte[]? stored) =>
        stored is not null && Array.Exists(hashes, hash => CryptographicOperations.FixedTimeEquals(hash, stored));
}
