using System.Security.Cryptography;

namespace ChatLogger.Webhooks;

/// <summary>
/// Encrypts the secrets of webhooks (AES-256-GCM), with keys derived from those of the settings (HKDF). What is encrypted is bound to its
/// webhook, so that a row cannot be given the secret of another, and names its key, so that after a rotation it is encrypted anew.
/// </summary>
internal sealed class WebhookSecrets
{
    public const string Prefix = "whsec_";

    private const byte Version = 1;
    private const int SecretBytes = 32;
    private const int KeyIdBytes = 4;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeadBytes = 1 + KeyIdBytes + NonceBytes + TagBytes;

    private readonly IReadOnlyList<(byte[] Id, byte[] Key)> _keys;

    /// <param name="secrets">The secrets of the settings, the current one first.</param>
    public WebhookSecrets(IEnumerable<byte[]> secrets) => _keys =
    [
        .. secrets.Select(secret => HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, SecretBytes, info: Purpose.ToArray()))
            .Select(key => (SHA256.HashData(key)[..KeyIdBytes], key)),
    ];

    /// <summary>A new secret.</summary>
    public static byte[] Generate() => RandomNumberGenerator.GetBytes(SecretBytes);

    /// <summary>A secret as its owner sees it.</summary>
    public static string Text(byte[] secret) => Prefix + Convert.ToBase64String(secret);

    public byte[] Encrypt(Guid orgId, Guid webhookId, byte[] secret)
    {
        var (id, key) = _keys[0];
        var sealedSecret = new byte[HeadBytes + secret.Length];
        sealedSecret[0] = Version;
        id.CopyTo(sealedSecret, 1);
        var nonce = sealedSecret.AsSpan(1 + KeyIdBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(
            nonce, secret, sealedSecret.AsSpan(HeadBytes), sealedSecret.AsSpan(HeadBytes - TagBytes, TagBytes), Bound(orgId, webhookId));
        return sealedSecret;
    }

    /// <summary>Returns the secret; null: none of the keys has encrypted it for this webhook.</summary>
    public byte[]? Decrypt(Guid orgId, Guid webhookId, byte[] sealedSecret)
    {
        if (sealedSecret.Length < HeadBytes || sealedSecret[0] != Version)
            return null;
        foreach (var (id, key) in _keys)
        {
            if (!sealedSecret.AsSpan(1, KeyIdBytes).SequenceEqual(id))
                continue;
            try
            {
                var secret = new byte[sealedSecret.Length - HeadBytes];
                using var aes = new AesGcm(key, TagBytes);
                aes.Decrypt(
                    sealedSecret.AsSpan(1 + KeyIdBytes, NonceBytes), sealedSecret.AsSpan(HeadBytes),
                    sealedSecret.AsSpan(HeadBytes - TagBytes, TagBytes), secret, Bound(orgId, webhookId));
                return secret;
            }
            catch (AuthenticationTagMismatchException)
            {
            }
        }
        return null;
    }

    /// <summary>Whether it is encrypted with the current key.</summary>
    public bool IsCurrent(byte[] sealedSecret) =>
        sealedSecret.Length >= HeadBytes && sealedSecret.AsSpan(1, KeyIdBytes).SequenceEqual(_keys[0].Id);

    private static ReadOnlySpan<byte> Purpose => "chatlogger webhook secrets"u8;

    private static byte[] Bound(Guid orgId, Guid webhookId) =>
        [.. orgId.ToByteArray(bigEndian: true), .. webhookId.ToByteArray(bigEndian: true)];
}
