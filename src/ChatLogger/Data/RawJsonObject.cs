using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ChatLogger.Data;

/// <summary>A JSON object of the caller.</summary>
[JsonConverter(typeof(Converter))]
internal sealed class RawJsonObject : RawJson
{
    public static readonly RawJsonObject Empty = new("{}"u8.ToArray(), new Measurements(2, 1, 0, 0, 0, false, false));

    private RawJsonObject(byte[] utf8, Measurements measured)
        : base(utf8, measured)
    {
    }

    /// <summary>Wraps text from the database, which was validated before.</summary>
    public static RawJsonObject FromStored(string json) => json == "{}" ? Empty : new(Encoding.UTF8.GetBytes(json), default);

    /// <summary>Wraps what was made of JSON that was validated before.</summary>
    public static RawJsonObject FromStored(byte[] json) => new(json, default);

    internal sealed class Converter : JsonConverter<RawJsonObject>
    {
        public override RawJsonObject Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var (utf8, measured) = RawJson.Read(ref reader, JsonTokenType.StartObject);
            return new(utf8, measured);
        }

        public override void Write(Utf8JsonWriter writer, RawJsonObject value, JsonSerializerOptions options) =>
            writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
    }
}
