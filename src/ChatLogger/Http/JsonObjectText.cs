using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ChatLogger.Http;

/// <summary>
/// A JSON object that belongs to the caller: kept as the text it came in, without the white space between its tokens, so that it goes back
/// JSON-equal, numbers to the last digit. What reading it saw is remembered for the validator.
/// </summary>
[JsonConverter(typeof(Converter))]
internal sealed class JsonObjectText
{
    public static readonly JsonObjectText Empty = new("{}"u8.ToArray(), new Facts(2, 1, 0, 0, 0, false, false));

    private readonly byte[] _utf8;

    private JsonObjectText(byte[] utf8, Facts seen) => (_utf8, Seen) = (utf8, seen);

    public Facts Seen { get; }

    public ReadOnlyMemory<byte> Utf8 => _utf8;

    /// <summary>Text that has been checked before: it comes from the database.</summary>
    public static JsonObjectText FromStored(string json) => json == "{}" ? Empty : new(Encoding.UTF8.GetBytes(json), default);

    public override string ToString() => Encoding.UTF8.GetString(_utf8);

    /// <summary>What was seen while reading: sizes in bytes as sent and in characters, the object itself being depth 1.</summary>
    internal readonly record struct Facts(
        int Bytes, int Depth, int Keys, int LongestKey, int LongestNumber, bool HasInfiniteNumber, bool HasDuplicateKey);

    internal sealed class Converter : JsonConverter<JsonObjectText>
    {
        public override JsonObjectText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
                throw new JsonException();

            var start = reader.TokenStartIndex;
            var outside = reader.CurrentDepth;
            var text = new ArrayBufferWriter<byte>(256);
            var keys = new List<HashSet<string>>();
            int depth = 0, keyCount = 0, longestKey = 0, longestNumber = 0;
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
                        longestKey = Math.Max(longestKey, Text.Length(key));
                        duplicate |= !keys[^1].Add(key);
                        Quote(text, reader.ValueSpan);
                        text.Write(":"u8);
                        comma = false;
                        break;
                    case JsonTokenType.String:
                        Quote(text, reader.ValueSpan);
                        break;
                    case JsonTokenType.Number:
                        longestNumber = Math.Max(longestNumber, reader.ValueSpan.Length);
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
            return new(text.WrittenSpan.ToArray(), new Facts(bytes, depth, keyCount, longestKey, longestNumber, infinite, duplicate));
        }

        public override void Write(Utf8JsonWriter writer, JsonObjectText value, JsonSerializerOptions options) =>
            writer.WriteRawValue(value._utf8, skipInputValidation: true);

        // The escapes stay as they were sent.
        private static void Quote(ArrayBufferWriter<byte> text, ReadOnlySpan<byte> raw)
        {
            text.Write("\""u8);
            text.Write(raw);
            text.Write("\""u8);
        }
    }
}
