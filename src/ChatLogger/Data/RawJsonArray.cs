using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ChatLogger.Data;

/// <summary>A JSON array of the caller.</summary>
[JsonConverter(typeof(Converter))]
internal sealed class RawJsonArray : RawJson
{
    private RawJsonArray(byte[] utf8, Measurements measured)
        : base(utf8, measured)
    {
    }

    public bool IsEmpty => Utf8.Length == "[]".Length;

    /// <summary>Wraps text from the database, which was validated before.</summary>
    public static RawJsonArray FromStored(string json) => new(Encoding.UTF8.GetBytes(json), default);

    /// <summary>Wraps what was made of JSON that was validated before.</summary>
    public static RawJsonArray FromStored(byte[] json) => new(json, default);

    internal sealed class Converter : JsonConverter<RawJsonArray>
    {
        public override RawJsonArray Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var (utf8, measured) = RawJson.Read(ref reader, JsonTokenType.StartArray);
            return new(utf8, measured);
        }

        public override void Write(Utf8JsonWriter writer, RawJsonArray value, JsonSerializerOptions options) =>
            writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
    }
}
