using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using ChatLogger.Telemetry.Logs;

namespace ChatLogger.Transcripts;

/// <summary>
/// Replaces files that are embedded in messages, as <c>data:</c> URLs or base64: what stays is their type, size and hash. The service keeps
/// texts, and an image is larger than a message may be.
/// </summary>
internal sealed partial class EmbeddedData(ImportNotes notes)
{
    // Shorter ones stand in texts as examples.
    private const int ShortestInText = 1_024;
    private const int ShortestBare = 256;

    private static readonly JsonWriterOptions Plain = new() { Encoder = MinimalJsonEncoder.Instance };
    private static readonly SearchValues<char> Base64 = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_\r\n");

    /// <summary>The parts, with a placeholder for each that embeds a file.</summary>
    public JsonElement InParts(JsonElement parts)
    {
        var embedded = parts.Elements().Select(part => Find(part, 0)).ToList();
        if (embedded.TrueForAll(found => found is null))
            return parts;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartArray();
            foreach (var (part, found) in parts.EnumerateArray().Zip(embedded))
            {
                if (found is { } file)
                    WritePlaceholder(json, part.Text("type") ?? "file", file);
                else
                    part.WriteTo(json);
            }
            json.WriteEndArray();
        }
        return JsonElement.Parse(buffer.WrittenSpan);
    }

    /// <summary>A placeholder for a file that is a member of its own, a part of this type.</summary>
    public JsonElement Placeholder(string type, string data)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain))
            WritePlaceholder(json, type, OfUrl(data) ?? new("application/octet-stream", Decode(data)));
        return JsonElement.Parse(buffer.WrittenSpan);
    }

    public static bool IsDataUrl(string? text) => text?.StartsWith("data:", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>The text, with a few words in place of each long <c>data:</c> URL.</summary>
    public string? InText(string? text)
    {
        if (text is null || text.Length < ShortestInText || !text.Contains(";base64,", StringComparison.Ordinal))
            return text;
        return DataUrl().Replace(text, url =>
        {
            if (url.Length < ShortestInText)
                return url.Value;
            var bytes = Decode(url.Groups["data"].Value);
            Count(bytes);
            return $"[{url.Groups["type"].Value}, {bytes.Length} bytes, sha256 {Convert.ToHexStringLower(SHA256.HashData(bytes))}]";
        });
    }

    private void WritePlaceholder(Utf8JsonWriter json, string type, EmbeddedFile file)
    {
        Count(file.Bytes);
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteString("mediaType", file.MediaType);
        json.WriteNumber("bytes", file.Bytes.Length);
        json.WriteString("sha256", Convert.ToHexStringLower(SHA256.HashData(file.Bytes)));
        json.WriteEndObject();
    }

    private void Count(byte[] bytes)
    {
        notes.Add("embedded files replaced by their type, size and hash");
        notes.Add("bytes of embedded files left out", bytes.Length);
    }

    private static EmbeddedFile? Find(JsonElement json, int depth)
    {
        if (json.ValueKind == JsonValueKind.String)
            return OfUrl(json.GetString()!);
        if (json.ValueKind != JsonValueKind.Object || depth > 4)
            return null;
        if (json.AnyText("data", "file_data", "b64_json") is { } data && IsBase64(data))
            return new(json.AnyText("media_type", "mediaType", "mime_type", "mimeType") ?? OfFormat(json.Text("format")), Decode(data));
        foreach (var member in json.EnumerateObject())
        {
            if (Find(member.Value, depth + 1) is { } found)
                return found;
        }
        return null;
    }

    private static bool IsBase64(string data) =>
        !IsDataUrl(data) && data.Length >= ShortestBare && !data.AsSpan().ContainsAnyExcept(Base64);

    private static string OfFormat(string? format) => format is { Length: > 0 and < 20 } ? $"audio/{format}" : "application/octet-stream";

    private static EmbeddedFile? OfUrl(string text)
    {
        if (!IsDataUrl(text) || text.IndexOf(',', StringComparison.Ordinal) is not (> 0 and var comma))
            return null;
        var head = text["data:".Length..comma];
        var data = text[(comma + 1)..];
        var type = head.Split(';')[0] is { Length: > 0 } named ? named : "text/plain";
        return new(type, head.EndsWith(";base64", StringComparison.OrdinalIgnoreCase)
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

    private readonly record struct EmbeddedFile(string MediaType, byte[] Bytes);
}
