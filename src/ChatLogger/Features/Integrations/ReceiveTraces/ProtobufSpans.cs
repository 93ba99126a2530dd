using System.Buffers;
using System.Text.Json;
using ChatLogger.Features.Otlp;
using ChatLogger.Http;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace ChatLogger.Features;

/// <summary>Reads the spans of an export in protobuf.</summary>
internal static class ProtobufSpans
{
    private const int ErrorCode = 2;

    public static ReceivedCalls Read(ReadOnlySpan<byte> body)
    {
        try
        {
            var request = ExportRequest.Parser.ParseFrom(body);
            return ReceivedCalls.Of(
                [.. request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans).Select(Read)]);
        }
        catch (InvalidProtocolBufferException)
        {
            throw ProblemException.BadRequest("The body is not an export of traces in protobuf.");
        }
    }

    private static ReceivedSpan Read(Span span) => new(
        Hex(span.TraceId),
        Hex(span.SpanId),
        span.ParentSpanId.IsEmpty ? null : Hex(span.ParentSpanId),
        span.Name,
        ReceivedSpan.Time(span.StartTimeUnixNano),
        ReceivedSpan.Time(span.EndTimeUnixNano),
        span.Status?.Code == ErrorCode ? span.Status.Message : null,
        Attributes(span.Attributes),
        [.. span.Events.Select(each => (each.Name, Attributes(each.Attributes)))]);

    private static string Hex(ByteString id) => Convert.ToHexStringLower(id.Span);

    private static SpanAttributes Attributes(RepeatedField<KeyValue> attributes)
    {
        var values = new Dictionary<string, object>(attributes.Count, StringComparer.Ordinal);
        foreach (var attribute in attributes)
        {
            if (Value(attribute.Value) is { } value)
                values[attribute.Key] = value;
        }
        return new(values);
    }

    private static object? Value(AnyValue? value)
    {
        switch (value?.ValueCase)
        {
            case AnyValue.ValueOneofCase.StringValue:
                return value.StringValue;
            case AnyValue.ValueOneofCase.BoolValue:
                return value.BoolValue;
            case AnyValue.ValueOneofCase.IntValue:
                return value.IntValue;
            case AnyValue.ValueOneofCase.DoubleValue:
                return value.DoubleValue;
            case AnyValue.ValueOneofCase.ArrayValue or AnyValue.ValueOneofCase.KvlistValue:
                var buffer = new ArrayBufferWriter<byte>();
                using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = Json.Encoder }))
                    Write(json, value);
                return JsonElement.Parse(buffer.WrittenSpan);
            default:
                return null;
        }
    }

    private static void Write(Utf8JsonWriter json, AnyValue? value)
    {
        switch (value?.ValueCase)
        {
            case AnyValue.ValueOneofCase.StringValue:
                json.WriteStringValue(value.StringValue);
                break;
            case AnyValue.ValueOneofCase.BoolValue:
                json.WriteBooleanValue(value.BoolValue);
                break;
            case AnyValue.ValueOneofCase.IntValue:
                json.WriteNumberValue(value.IntValue);
                break;
            case AnyValue.ValueOneofCase.DoubleValue when double.IsFinite(value.DoubleValue):
                json.WriteNumberValue(value.DoubleValue);
                break;
            case AnyValue.ValueOneofCase.ArrayValue:
                json.WriteStartArray();
                foreach (var element in value.ArrayValue.Values)
                    Write(json, element);
                json.WriteEndArray();
                break;
            case AnyValue.ValueOneofCase.KvlistValue:
                json.WriteStartObject();
                foreach (var member in value.KvlistValue.Values.DistinctBy(member => member.Key))
                {
                    json.WritePropertyName(member.Key);
                    Write(json, member.Value);
                }
                json.WriteEndObject();
                break;
            case AnyValue.ValueOneofCase.BytesValue:
                json.WriteBase64StringValue(value.BytesValue.Span);
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }
}
