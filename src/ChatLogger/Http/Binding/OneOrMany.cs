using System.Text.Json;
using System.Text.Json.Serialization;

namespace ChatLogger.Http;

/// <summary>A member that is a string, or an array of strings.</summary>
[JsonConverter(typeof(Converter))]
internal sealed class OneOrMany(string[] values)
{
    public string[] Values => values;

    private sealed class Converter : JsonConverter<OneOrMany>
    {
        public override OneOrMany Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.String)
                return new([reader.GetString()!]);
            if (reader.TokenType != JsonTokenType.StartArray)
                throw new JsonException();
            var values = new List<string>();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                values.Add(reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new JsonException());
            return new([.. values]);
        }

        public override void Write(Utf8JsonWriter writer, OneOrMany value, JsonSerializerOptions options) =>
            throw new NotSupportedException();
    }
}
