using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ChatLogger.Telemetry.Logs;

namespace ChatLogger.Http;

/// <summary>How JSON is read and written everywhere: strictly, in camelCase, times in UTC with milliseconds, ids in one spelling.</summary>
internal static class Json
{
    // The answers are JSON with nosniff, never part of a page: only what JSON itself demands is escaped.
    public static readonly JavaScriptEncoder Encoder = MinimalJsonEncoder.Instance;

    public const int MaxDepth = 64;

    public static readonly JsonSerializerOptions Options = Configure(new JsonSerializerOptions { TypeInfoResolver = new DefaultJsonTypeInfoResolver() });

    /// <summary>RFC 8259, 8.1: nobody may write a byte order mark, and a reader may ignore one. Some editors and Windows programs do write it.</summary>
    public static ReadOnlySpan<byte> WithoutByteOrderMark(ReadOnlySpan<byte> json) => json.StartsWith(ByteOrderMark) ? json[ByteOrderMark.Length..] : json;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Shapes that need not be found out by reflection. Said once, before the first is read or written.</summary>
    public static void Prefer(IJsonTypeInfoResolver prepared)
    {
        if (!Options.IsReadOnly && !Options.TypeInfoResolverChain.Contains(prepared))
            Options.TypeInfoResolverChain.Insert(0, prepared);
    }

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
        // Absent and null are the same, so a required member is the validator's business: it has the better sentence.
        options.RespectNullableAnnotations = false;
        options.RespectRequiredConstructorParameters = false;
        options.Encoder = Encoder;
        options.Converters.Add(new Instant());
        options.Converters.Add(new Id());
        return options;
    }

    /// <summary>RFC 3339 in UTC with <c>Z</c> and milliseconds. Reading takes any offset, and cuts what is finer than a millisecond.</summary>
    private sealed class Instant : JsonConverter<DateTimeOffset>
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

    /// <summary>Lower case with hyphens; no other spelling is read.</summary>
    private sealed class Id : JsonConverter<Guid>
    {
        public override Guid Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && PathId.TryRead(reader.GetString()!, out var id) ? id : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, Guid value, JsonSerializerOptions options) => writer.WriteStringValue(value);
    }
}
