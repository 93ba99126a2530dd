using System.Buffers;
using System.Globalization;
using System.Text.Json;
using ChatLogger.Http;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>
/// Reads the spans of an export in JSON: ids in hex, numbers of 64 bits as strings or numbers, members that are not known ignored, as the
/// standard demands.
/// </summary>
internal static class JsonSpans
{
    private const int ErrorCode = 2;

    public static ReceivedCalls Read(ReadOnlySpan<byte> body)
    {
        var json = Http.Json.WithoutByteOrderMark(body);
        IntegrationBody.RequireText(json);
        using var document = Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw ProblemException.Validation(ProblemException.BodyPath, "The body must be a JSON object.");
        return ReceivedCalls.Of(
        [
            .. document.RootElement.Elements("resourceSpans")
                .SelectMany(resource => resource.Elements("scopeSpans"))
                .SelectMany(scope => scope.Elements("spans"))
                .Select(Read),
        ]);
    }

    // In memory that is used again: a body is large, and read at once.
    private static JsonDocument Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.ParseValue(ref reader);
            // Throws if something follows.
            reader.Read();
            return document;
        }
        catch (JsonException)
        {
            document?.Dispose();
            throw JsonDiagnosis.NotJson(json);
        }
    }

    private static ReceivedSpan Read(JsonElement span) => new(
        Hex(span, "traceId") ?? "",
        Hex(span, "spanId") ?? "",
        Hex(span, "parentSpanId"),
        span.Text("name") ?? "",
        Time(span, "startTimeUnixNano"),
        Time(span, "endTimeUnixNano"),
        span.Get("status").Count("code") == ErrorCode ? span.Get("status").Text("message") ?? "" : null,
        Attributes(span),
        [.. span.Elements("events").Select(each => (each.Text("name") ?? "", Attributes(each)))]);

    private static string? Hex(JsonElement span, string name) =>
        span.Text(name) is { Length: > 0 } id ? id.ToLowerInvariant() : null;

    private static DateTimeOffset Time(JsonElement span, string name) => ReceivedSpan.Time(
        span.Get(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetUInt64(out var nanoseconds)
        || ulong.TryParse(span.Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out nanoseconds)
            ? nanoseconds
            : 0);

    private static SpanAttributes Attributes(JsonElement owner)
    {
        var values = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (var attribute in owner.Elements("attributes"))
        {
            if (attribute.Text("key") is { } key && Value(attribute.Get("value")) is { } value)
                values[key] = value;
        }
        return new(values);
    }

    private static object? Value(JsonElement value)
    {
        // Read where it is needed: most of an export is what was said before, which is read as JSON.
        if (value.Get("stringValue") is { ValueKind: JsonValueKind.String } text)
            return text;
        if (value.Get("boolValue") is { ValueKind: JsonValueKind.True or JsonValueKind.False } flag)
            return flag.GetBoolean();
        if (Whole(value.Get("intValue")) is { } whole)
            return whole;
        if (value.Get("doubleValue") is { ValueKind: JsonValueKind.Number } number)
            return number.GetDouble();
        if (value.Get("arrayValue").ValueKind != JsonValueKind.Object && value.Get("kvlistValue").ValueKind != JsonValueKind.Object)
            return null;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = Json.Encoder }))
            Write(json, value);
        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, JsonElement value)
    {
        if (value.Get("kvlistValue") is { ValueKind: JsonValueKind.Object } members)
        {
            json.WriteStartObject();
            var named = members.Elements("values").Where(member => member.Text("key") is not null);
            foreach (var member in named.DistinctBy(member => member.Text("key")))
            {
                json.WritePropertyName(member.Text("key")!);
                Write(json, member.Get("value"));
            }
            json.WriteEndObject();
        }
        else if (value.Get("arrayValue") is { ValueKind: JsonValueKind.Object } array)
        {
            json.WriteStartArray();
            foreach (var element in array.Elements("values"))
                Write(json, element);
            json.WriteEndArray();
        }
        else if (Whole(value.Get("intValue")) is { } whole)
        {
            json.WriteNumberValue(whole);
        }
        else if (value.ValueKind == JsonValueKind.Object && value.EnumerateObject().Any())
        {
            value.EnumerateObject().First().Value.WriteTo(json);
        }
        else
        {
            json.WriteNullValue();
        }
    }

    private static long? Whole(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)
        || value.ValueKind == JsonValueKind.String
            && long.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number)
            ? number
            : null;
}
