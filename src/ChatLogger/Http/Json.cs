using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ChatLogger.Telemetry.Logs;

namespace ChatLogger.Http;

/// <summary>How the service reads and writes JSON: strict, in camelCase, times in UTC with milliseconds, ids in one spelling.</summary>
internal static class Json
{
    // Responses are JSON with nosniff and never part of a page, so only what JSON itself requires is escaped.
    public static readonly JavaScriptEncoder Encoder = MinimalJsonEncoder.Instance;

    public const int MaxDepth = 64;

    public static readonly JsonSerializerOptions Options = Configure(
        new JsonSerializerOptions { TypeInfoResolver = new DefaultJsonTypeInfoResolver() });

    /// <summary>
    /// RFC 8259, 8.1: a writer must not add a byte order mark, but a reader may ignore one. Some editors and Windows programs write it.
    /// </summary>
    public static ReadOnlySpan<byte> WithoutByteOrderMark(ReadOnlySpan<byte> json) =>
        json.StartsWith(ByteOrderMark) ? json[ByteOrderMark.Length..] : json;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Adds source-generated type info, which saves reflection. Call it once, before the first serialization.</summary>
    public static void Prefer(IJsonTypeInfoResolver generated) => Options.TypeInfoResolverChain.Insert(0, generated);

    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.DictionaryKeyPolicy = null;
        options.PropertyNameCaseInsensitive = false;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.AllowDuplicateProperties = false;
        options.ReadCommentHandling = JsonCommentHandling.Disallow;
        options.AllowTrailingCommas = false;
        options.MaxDepth = MaxDepth;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.Never;
        // Absent and null mean the same, so the validator checks required members: its message is clearer.
        options.RespectNullableAnnotations = false;
        options.RespectRequiredConstructorParameters = false;
        options.Encoder = Encoder;
        options.Converters.Add(new InstantConverter());
        options.Converters.Add(new Id());
        return options;
    }

    /// <summary>RFC 3339 in UTC with <c>Z</c> and milliseconds. Reading accepts any offset and truncates to milliseconds.</summary>
    private sealed class InstantConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && Rfc3339.TryParse(reader.GetString()!, out var instant)
                ? instant
                : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
        {
            Span<byte> text = stackalloc byte[32];
            value.UtcDateTime.TryFormat(text, out var length, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
            writer.WriteStringValue(text[..length]);
        }
    }

    /// <summary>Lower case with hyphens; reading rejects every other spelling.</summary>
    private sealed class Id : JsonConverter<Guid>
    {
        public override Guid Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && PathId.TryRead(reader.GetString()!, out var id) ? id : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, Guid value, JsonSerializerOptions options) => writer.WriteStringValue(value);
    }
}
