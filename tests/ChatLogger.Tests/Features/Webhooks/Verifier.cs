using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ChatLogger.Tests.Features.Webhooks;

/// <summary>What docs/webhooks.md tells receivers in C# to do; a test compares the two.</summary>
internal static class Verifier
{
    public static bool IsValid(string secret, IReadOnlyDictionary<string, string> headers, byte[] body, DateTimeOffset now)
    {
        var (id, timestamp) = (headers["webhook-id"], headers["webhook-timestamp"]);
        if (!long.TryParse(timestamp, CultureInfo.InvariantCulture, out var seconds) || Math.Abs(now.ToUnixTimeSeconds() - seconds) > 300)
            return false;
        var key = Convert.FromBase64String(secret["whsec_".Length..]);
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
        var expected = Encoding.ASCII.GetBytes("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed)));
        return headers["webhook-signature"].Split(' ')
            .Any(signature => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(signature), expected));
    }
}
