using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ChatLogger.Webhooks;

/// <summary>The signature of Standard Webhooks: HMAC-SHA256 over id, time and body, once for each secret that is valid.</summary>
internal static class WebhookSignature
{
    /// <summary>The header <c>webhook-signature</c>.</summary>
    /// <param name="secrets">The secrets, the newest first.</param>
    /// <param name="id">The header <c>webhook-id</c>.</param>
    /// <param name="timestamp">The header <c>webhook-timestamp</c>: seconds since 1970.</param>
    /// <param name="body">The body, byte for byte as it is sent.</param>
    public static string Of(IEnumerable<byte[]> secrets, string id, long timestamp, byte[] body)
    {
        byte[] signed = [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")), .. body];
        return string.Join(' ', secrets.Select(secret => $"v1,{Convert.ToBase64String(HMACSHA256.HashData(secret, signed))}"));
    }
}
