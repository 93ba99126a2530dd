using System.Buffers;
using System.Text.Json;
using ChatLogger.Telemetry.Logs;

namespace ChatLogger.Transcripts;

/// <summary>Reads messages in the shape of OpenAI's chat completions, which several formats have.</summary>
internal static class OpenAiMessages
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = MinimalJsonEncoder.Instance };

    /// <summary>Reads a message; index is its place, for errors and for the ids of calls that have none.</summary>
    public static ImportedMessage Read(JsonElement json, int index, EmbeddedData embedded, ImportNotes notes)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new FormatException($"messages[{index}] is not an object");
        var role = json.Text("role") ?? throw new FormatException($"messages[{index}].role is missing");
        var content = json.Get("content");
        if (content.IsGiven() && content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
            throw new FormatException($"messages[{index}].content is neither a string nor an array");
        var (text, metadata) = (json.Text("content"), new MetadataBuilder(notes).Add("weight", json.Get("weight")));
        if (string.IsNullOrEmpty(text) && json.Text("refusal") is { Length: > 0 } refusal)
        {
            text = refusal;
            metadata.Add("refusal", JsonElement.Parse("true"));
        }
        return new()
        {
            Role = role,
            Content = embedded.InText(text),
            Parts = content.ValueKind == JsonValueKind.Array ? embedded.InParts(Parts(content)) : default,
            ToolCalls = role == "assistant" ? ToolCalls(json, index, embedded) : default,
            ToolCallId = json.Text("tool_call_id"),
            Name = json.Text("name"),
            Metadata = metadata.Build(),
        };
    }

    /// <summary>Calls as <c>{ id, name, arguments }</c>, from <c>tool_calls</c> or the older <c>function_call</c>.</summary>
    public static JsonElement ToolCalls(JsonElement json, int index, EmbeddedData embedded)
    {
        var calls = json.Elements("tool_calls").Select((call, at) => Call(
            call.Text("id") ?? $"call_{index}_{at}",
            call.Get("function", JsonValueKind.Object) is { ValueKind: JsonValueKind.Object } function ? function : call)).ToList();
        if (json.Get("function_call") is { ValueKind: JsonValueKind.Object } legacy)
            calls.Add(Call($"call_{index}", legacy));
        return Write(calls, embedded);
    }

    /// <summary>The array of these calls; undefined if there are none.</summary>
    public static JsonElement Write(IReadOnlyList<ToolCall> calls, EmbeddedData embedded)
    {
        if (calls.Count == 0)
            return default;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartArray();
            foreach (var (id, name, arguments) in calls)
            {
                json.WriteStartObject();
                json.WriteString("id", id);
                json.WriteString("name", name);
                json.WriteString("arguments", embedded.InText(arguments));
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static ToolCall Call(string id, JsonElement function)
    {
        var name = function.Text("name") is { Length: > 0 } named ? named : "unknown";
        var arguments = function.AnyText("arguments", "input")
            ?? (function.Get("arguments") is { ValueKind: JsonValueKind.Object } given ? given.GetRawText()
                : function.Get("args") is { ValueKind: JsonValueKind.Object } args ? args.GetRawText() : "");
        return new(id, name, arguments);
    }

    // A part needs a type. Strings stand among parts in some files.
    private static JsonElement Parts(JsonElement content)
    {
        if (content.EnumerateArray().All(part => part.Text("type") is { Length: > 0 }))
            return content;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartArray();
            foreach (var part in content.EnumerateArray())
            {
                if (part.Text("type") is { Length: > 0 })
                {
                    part.WriteTo(json);
                    continue;
                }
                json.WriteStartObject();
                json.WriteString("type", part.Text("text") is null && part.ValueKind == JsonValueKind.Object ? "json" : "text");
                json.WritePropertyName(part.Text("text") is null && part.ValueKind == JsonValueKind.Object ? "value" : "text");
                if (part.Text("text") is { } text)
                    json.WriteStringValue(text);
                else if (part.ValueKind is JsonValueKind.Object or JsonValueKind.String)
                    part.WriteTo(json);
                else
                    json.WriteStringValue(part.GetRawText());
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        return JsonElement.Parse(buffer.WrittenSpan);
    }
}
