using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ChatLogger.Data;

/// <summary>
/// A JSON object of the caller, stored as received without insignificant white space, so that it is returned JSON-equal, with all digits of
/// its numbers. The converter records what it measured while reading, for the validator.
/// </summary>
[JsonConverter(typeof(Converter))]
internal sealed class RawJsonObject
{
    public static readonly RawJsonObject Empty = new("{}"u8.ToArray(), new Measurements(2, 1, 0, 0, 0, false, false));

    private readonly byte[] _utf8;

    private RawJsonObject(byte[] utf8, Measurements seen) => (_utf8, Measured) = (utf8, seen);

    public Measurements Measured { get; }

    public ReadOnlyMemory<byte> Utf8 => _utf8;

    /// <summary>Wraps text from the database, which was validated before.</summary>
    public static RawJsonObject FromStored(string json) => json == "{}" ? Empty : new(Encoding.UTF8.GetBytes(json), default);

    public override string ToString() => Encoding.UTF8.GetString(_utf8);

    /// <summary>What the converter measured: sizes in bytes as sent and in characters; the object itself has depth 1.</summary>
    internal readonly record struct Measurements(
        int Bytes, int Depth, int Keys, int LongestKey, int LongestNumber, bool HasInfiniteNumber, bool HasDuplicateKey);

    internal sealed class Converter : JsonConverter<RawJsonObject>
    {
        public override RawJsonObject Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
                throw new JsonException();

            var start = reader.TokenStartIndex;
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
                if (token == JsonTokenType.EndObject && reader.CurrentDepth == outside)
                    break;
                if (!reader.Read())
                    throw new JsonException();
            }
            var bytes = (int)(reader.BytesConsumed - start);
            return new(
                text.WrittenSpan.ToArray(),
                new Measurements(bytes, depth, keyCount, maxKeyLength, maxNumberLength, infinite, duplicate));
        }

        public override void Write(Utf8JsonWriter writer, RawJsonObject value, JsonSerializerOptions options) =>
            writer.WriteRawValue(value._utf8, skipInputValidation: true);

        // Keeps the escapes as sent.
        private static void Quote(ArrayBufferWriter<byte> text, ReadOnlySpan<byte> raw)
        {
            text.Write("\""u8);
            text.Write(raw);
            text.Write("\""u8);
        }
    }
}
