using System.Buffers;
using System.Text;
using System.Text.Json;
using ChatLogger.Telemetry.Logs;

namespace ChatLogger.Transcripts;

/// <summary>Sorts the parts of a message into its text, calls of tools, answers of tools, reasoning and everything else.</summary>
internal sealed class MessageParts(EmbeddedData embedded)
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = MinimalJsonEncoder.Instance };

    private readonly List<string> _texts = [];
    private readonly List<string> _reasoning = [];
    private readonly List<(string? Text, string? Json)> _all = [];
    private bool _hasOthers;

    public List<ToolCall> Calls { get; } = [];

    public List<ImportedMessage> Answers { get; } = [];

    /// <summary>The text, if the message has nothing else but tools; otherwise null, and it is among <see cref="Others"/>.</summary>
    public string? Text => _hasOthers || _texts.Count == 0 ? null : embedded.InText(string.Join("\n\n", _texts));

    /// <summary>All parts but those of tools and the reasoning, if one of them is no text; otherwise undefined.</summary>
    public JsonElement Others => _hasOthers ? embedded.InParts(JsonElement.Parse($"[{string.Join(',', _all.Select(Json))}]")) : default;

    public string? Reasoning => _reasoning.Count == 0 ? null : string.Join("\n\n", _reasoning);

    public static bool IsToolPart(string? type) => IsCall(type) || IsAnswer(type);

    /// <summary>A call of a tool, with its arguments as compact JSON, so that the same call is the same text each time.</summary>
    public static ToolCall Call(JsonElement call)
    {
        var function = call.Get("function") is { ValueKind: JsonValueKind.Object } inner ? inner : call;
        var name = function.AnyText("name", "toolName") ?? "unknown";
        var arguments = function.Get("arguments") is var given && given.IsGiven() ? given
            : function.Get("args") is var args && args.IsGiven() ? args : function.Get("input");
        return new(call.AnyText("call_id", "id", "toolCallId") ?? $"call_{name}", name, Compact(arguments));
    }

    /// <summary>Reads the content of a message, which is a string or an array of parts, and the calls beside it.</summary>
    public void Read(JsonElement content, JsonElement message)
    {
        if (content.ValueKind == JsonValueKind.String)
            AddText(content.GetString());
        else if (content.ValueKind == JsonValueKind.Object)
            Add(content);
        foreach (var part in content.Elements())
            Add(part);
        Calls.AddRange(message.Elements("tool_calls").Concat(message.Elements("toolCalls")).Select(Call));
        if (message.Get("function_call") is { ValueKind: JsonValueKind.Object } legacy)
            Calls.Add(Call(legacy));
        if (_texts.Count == 0)
            AddText(message.Text("refusal"));
    }

    private void Add(JsonElement part)
    {
        var type = part.Text("type");
        if (part.ValueKind == JsonValueKind.String)
            AddText(part.GetString());
        else if (IsCall(type))
            Calls.Add(Call(part));
        else if (IsAnswer(type))
            Answers.Add(Answer(part));
        else if (type is "reasoning" or "thinking" or "redacted_thinking")
            _reasoning.Add(part.AnyText("content", "text", "thinking") ?? "");
        else if (type is null or "text" or "input_text" or "output_text" or "refusal"
            && part.AnyText("content", "text", "refusal") is { } text)
            AddText(text);
        else if (part.ValueKind == JsonValueKind.Object)
        {
            _hasOthers = true;
            _all.Add((null, type is null ? $"{{\"type\":\"json\",\"value\":{part.GetRawText()}}}" : part.GetRawText()));
        }
    }

    private void AddText(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return;
        _texts.Add(text);
        _all.Add((text, null));
    }

    private static string Json((string? Text, string? Json) part) =>
        part.Json ?? $"{{\"type\":\"text\",\"text\":{MetadataBuilder.JsonText(part.Text!)}}}";

    private ImportedMessage Answer(JsonElement part)
    {
        var said = part.Get("response") is var response && response.IsGiven() ? response
            : part.Get("result") is var result && result.IsGiven() ? result
            : part.Get("output") is var output && output.IsGiven() ? output : part.Get("content");
        // The AI SDK says of which type the output is.
        if (said.ValueKind == JsonValueKind.Object && said.Text("type") is "text" or "json" or "error-text" or "error-json"
            && said.Get("value") is var value && value.IsGiven())
            said = value;
        var texts = said.Elements().Select(each => each.AnyText("text", "content")).ToList();
        return new()
        {
            Role = "tool",
            Content = embedded.InText(texts.Count > 0 && !texts.Contains(null) ? string.Join("\n\n", texts) : Compact(said)),
            ToolCallId = part.AnyText("id", "toolCallId", "tool_use_id", "call_id", "tool_call_id"),
            Name = part.AnyText("name", "toolName"),
        };
    }

    private static bool IsCall(string? type) => type is "tool_call" or "tool-call" or "tool_use" or "function_call" or "toolCall";

    private static bool IsAnswer(string? type) =>
        type is "tool_call_response" or "tool-result" or "tool_result" or "function_call_output" or "function_response";

    // A string that is JSON is compacted as well.
    private static string Compact(JsonElement json)
    {
        if (!json.IsGiven())
            return "";
        if (json.ValueKind == JsonValueKind.String)
        {
            var text = json.GetString()!;
            if (ForeignMessages.Parsed(text) is not { } inner)
                return text;
            json = inner;
        }
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Plain))
            json.WriteTo(writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
