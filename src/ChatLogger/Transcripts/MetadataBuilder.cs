using System.Buffers;
using System.Text;
using System.Text.Json;
using ChatLogger.Telemetry.Logs;

namespace ChatLogger.Transcripts;

/// <summary>
/// Makes the metadata of a chat or message from members of its source. It leaves out members that would exceed what the service takes by
/// default, because they would make it refuse the conversation.
/// </summary>
internal sealed class MetadataBuilder(ImportNotes notes)
{
    private const int MaxBytes = 16_384;
    private const int MaxKeys = 256;
    private const int MaxDepth = 16;
    private const int MaxKeyLength = 128;
    private const int MaxNumberLength = 64;

    private static readonly JsonWriterOptions Plain = new() { Encoder = MinimalJsonEncoder.Instance };

    private readonly List<string> _members = [];
    private int _bytes = 2;
    private int _keys;

    public MetadataBuilder Add(string name, JsonElement value)
    {
        if (!value.IsGiven())
            return this;
        var keys = 1;
        var member = $"{JsonText(name)}:{value.GetRawText()}";
        var bytes = Encoding.UTF8.GetByteCount(member) + 1;
        if (!Fits(value, 2, ref keys) || _keys + keys > MaxKeys || _bytes + bytes > MaxBytes)
        {
            notes.Add($"{name} left out of the metadata, too large for it");
            return this;
        }
        _members.Add(member);
        (_bytes, _keys) = (_bytes + bytes, _keys + keys);
        return this;
    }

    public MetadataBuilder Add(string name, string? value) =>
        string.IsNullOrEmpty(value) ? this : Add(name, JsonElement.Parse(JsonText(value)));

    /// <summary>The object; undefined if it has no members.</summary>
    public JsonElement Build() => _members.Count == 0 ? default : JsonElement.Parse($"{{{string.Join(',', _members)}}}");

    /// <summary>A string as JSON.</summary>
    public static string JsonText(string text)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain))
            json.WriteStringValue(text);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static bool Fits(JsonElement value, int depth, ref int keys)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    keys++;
                    if (member.Name.Length > MaxKeyLength || !Fits(member.Value, depth + 1, ref keys))
                        return false;
                }
                return depth <= MaxDepth;
            case JsonValueKind.Array:
                foreach (var element in value.EnumerateArray())
                {
                    if (!Fits(element, depth + 1, ref keys))
                        return false;
                }
                return depth <= MaxDepth;
            case JsonValueKind.Number:
                return value.GetRawText().Length <= MaxNumberLength;
            default:
                return true;
        }
    }
}
