using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace ChatLogger.Data;

/// <summary>
/// JSON of the caller, stored as received without insignificant white space, so that it is returned JSON-equal, with all digits of its
/// numbers. Reading records what the validator needs to know.
/// </summary>
internal abstract class RawJson(byte[] utf8, RawJson.Measurements measured)
{
    public Measurements Measured { get; } = measured;

    public ReadOnlyMemory<byte> Utf8 => utf8;

    public override string ToString() => Encoding.UTF8.GetString(utf8);

    /// <summary>Reads the object or array that begins here.</summary>
    protected static (byte[] Utf8, Measurements Measured) Read(ref Utf8JsonReader reader, JsonTokenType start)
    {
        if (reader.TokenType != start)
            throw new JsonException();

        var offset = reader.TokenStartIndex;
        var outside = reader.CurrentDepth;
        var text = new ArrayBufferWriter<byte>(256);
        var keys = new List<HashSet<string>>();
        int depth = 0, keyCount = 0, maxKeyLength = 0, maxNumberLength = 0;
        bool infinite = false, duplicate = false, comma = false;

        while (true)
        {
            var token = reader.TokenType;
            if (comma && token is not (JsonTokenType.EndObject or JsonTokenType.EndArray))
                text.Write(","u8);
            comma = true;
            switch (token)
            {
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    text.Write(token == JsonTokenType.StartObject ? "{"u8 : "["u8);
                    keys.Add([]);
                    depth = Math.Max(depth, keys.Count);
                    comma = false;
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    text.Write(token == JsonTokenType.EndObject ? "}"u8 : "]"u8);
                    keys.RemoveAt(keys.Count - 1);
                    break;
                case JsonTokenType.PropertyName:
                    var key = reader.GetString()!;
                    keyCount++;
                    maxKeyLength = Math.Max(maxKeyLength, Text.Length(key));
                    duplicate |= !keys[^1].Add(key);
                    Quote(text, reader.ValueSpan);
                    text.Write(":"u8);
                    comma = false;
                    break;
                case JsonTokenType.String:
                    Quote(text, reader.ValueSpan);
                    break;
                case JsonTokenType.Number:
                    maxNumberLength = Math.Max(maxNumberLength, reader.ValueSpan.Length);
                    infinite |= !(Utf8Parser.TryParse(reader.ValueSpan, out double value, out _) && double.IsFinite(value));
                    text.Write(reader.ValueSpan);
                    break;
                default:
                    text.Write(reader.ValueSpan);
                    break;
            }
            if (token is (JsonTokenType.EndObject or JsonTokenType.EndArray) && reader.CurrentDepth == outside)
                break;
            if (!reader.Read())
                throw new JsonException();
        }
        var bytes = (int)(reader.BytesConsumed - offset);
        return (
            text.WrittenSpan.ToArray(),
            new Measurements(bytes, depth, keyCount, maxKeyLength, maxNumberLength, infinite, duplicate));
    }

    // Keeps the escapes as sent.
    private static void Quote(ArrayBufferWriter<byte> text, ReadOnlySpan<byte> raw)
    {
        text.Write("\""u8);
        text.Write(raw);
        text.Write("\""u8);
    }

    /// <summary>What was measured: sizes in bytes as sent and in characters; the object or array itself has depth 1.</summary>
    internal readonly record struct Measurements(
        int Bytes, int Depth, int Keys, int LongestKey, int LongestNumber, bool HasInfiniteNumber, bool HasDuplicateKey);
}
