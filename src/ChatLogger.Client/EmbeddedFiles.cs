using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ChatLogger.Client;

/// <summary>Replaces files that are embedded in messages, as data URLs or base64, by their type, size and hash.</summary>
internal sealed partial class EmbeddedFiles
{
    // Shorter ones stand in texts as examples.
    private const int ShortestInText = 1_024;
    private const int ShortestBare = 256;
    private const int MaxDepth = 4;

    private static readonly string[] DataNames = ["data", "file_data", "b64_json", "base64"];
    private static readonly string[] TypeNames = ["mediaType", "media_type", "mimeType", "mime_type"];

    private long _count;

    public long Count => Interlocked.Read(ref _count);

    /// <summary>The part of this type that stands for a file.</summary>
    public JsonObject Placeholder(string type, string? mediaType, ReadOnlySpan<byte> bytes)
    {
        Interlocked.Increment(ref _count);
        return new JsonObject
        {
            ["type"] = type,
            ["mediaType"] = mediaType ?? "application/octet-stream",
            ["bytes"] = bytes.Length,
            ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes)),
        };
    }

    public JsonObject InPart(JsonObject part) =>
        Find(part, 0) is var (mediaType, bytes) ? Placeholder(Text(part["type"]) ?? "file", mediaType, bytes) : part;

    public string? InText(string? text) =>
        text is null || text.Length < ShortestInText || !text.Contains(";base64,", StringComparison.Ordinal)
            ? text
            : DataUrl().Replace(text, url =>
            {
                if (url.Length < ShortestInText)
                    return url.Value;
                Interlocked.Increment(ref _count);
                var bytes = Decode(url.Groups["data"].Value);
                return $"[{url.Groups["type"].Value}, {bytes.Length} bytes, sha256 {Convert.ToHexStringLower(SHA256.HashData(bytes))}]";
            });

    private static (string? MediaType, byte[] Bytes)? Find(JsonNode? node, int depth)
    {
        if (Text(node) is { } text)
            return OfUrl(text);
        if (node is not JsonObject json || depth > MaxDepth)
            return null;
        var named = TypeNames.Select(name => Text(json[name])).FirstOrDefault(type => type is not null);
        foreach (var data in DataNames.Select(name => Text(json[name])))
        {
            if (data is { Length: >= ShortestBare } && Base64().IsMatch(data))
                return (named ?? (Text(json["format"]) is { } format ? $"audio/{format}" : null), Decode(data));
        }
        foreach (var (_, member) in json)
        {
            if (Find(member, depth + 1) is var (mediaType, bytes))
                return (mediaType ?? named, bytes);
        }
        return null;
    }

    private static string? Text(JsonNode? node) => node?.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : null;

    private static (string?, byte[])? OfUrl(string text)
    {
        if (!text.StartsWith("data:", StringComparison.OrdinalIgnoreCase)
            || text.IndexOf(',', StringComparison.Ordinal) is not (> 0 and var comma))
            return null;
        var head = text["data:".Length..comma];
        var data = text[(comma + 1)..];
        var type = head.Split(';')[0] is { Length: > 0 } given ? given : "text/plain";
        return (type, head.EndsWith(";base64", StringComparison.OrdinalIgnoreCase)
            ? Decode(data)
            : Encoding.UTF8.GetBytes(Uri.UnescapeDataString(data)));
    }

    private static byte[] Decode(string base64)
    {
        var bytes = new byte[(base64.Length * 3 / 4) + 3];
        return Convert.TryFromBase64String(base64.Replace('-', '+').Replace('_', '/'), bytes, out var length)
            ? bytes[..length]
            : Encoding.UTF8.GetBytes(base64);
    }

    [GeneratedRegex(@"data:(?<type>[\w.+-]+/[\w.+-]+)(;[\w=.+-]+)*;base64,(?<data>[A-Za-z0-9+/=_-]+)", RegexOptions.ExplicitCapture)]
    private static partial Regex DataUrl();

    [GeneratedRegex(@"^[A-Za-z0-9+/=_\s-]+\z")]
    private static partial Regex Base64();
}
