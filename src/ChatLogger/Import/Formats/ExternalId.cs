using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ChatLogger.Data;

namespace ChatLogger.Import;

/// <summary>Makes the external ids by which the service recognizes a conversation that was imported before.</summary>
internal static class ExternalId
{
    private const int Longest = 200;
    private const string Beginning = "import:";

    /// <summary>Whether only an import makes chats with this id: others keep the one that a plugin gave them.</summary>
    public static bool IsOfImport(string externalId) => externalId.StartsWith(Beginning, StringComparison.Ordinal);

    public static string Of(string format, string id)
    {
        var text = $"{Beginning}{format}:{id}";
        return Text.Length(text) <= Longest && !text.Any(char.IsControl) ? text : Of(format, Encoding.UTF8.GetBytes(id), null);
    }

    /// <summary>The id of a conversation that has none: of its bytes and its place, because two equal ones are two.</summary>
    public static string Of(string format, ReadOnlySpan<byte> bytes, long? number)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(bytes);
        Span<byte> place = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(place, number ?? 0);
        if (number is not null)
            hash.AppendData(place);
        return $"{Beginning}{format}:{Convert.ToHexStringLower(hash.GetHashAndReset())}";
    }
}
