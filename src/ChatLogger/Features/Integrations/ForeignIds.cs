using System.Security.Cryptography;
using System.Text;
using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>Makes the external id of a chat from another system's id of a conversation.</summary>
internal static class ForeignIds
{
    private const int Longest = 200;

    /// <summary>The id itself; of one that is too long its hash.</summary>
    public static string Conversation(string id) => Text.Length(id) <= Longest
        ? StorableText.Of(id)
        : $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))}";
}
