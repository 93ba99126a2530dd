using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace ChatLogger.Transcripts;

/// <summary>
/// Reads what was said to a model and by it, in the shapes in which SDKs report it: the messages of OpenTelemetry's GenAI conventions, of
/// OpenAI, Anthropic and the AI SDK. A message may become several, because the answers of tools are messages of their own.
/// </summary>
internal sealed class ForeignMessages(EmbeddedData embedded, ImportNotes notes)
{
    // Where applications put what was asked or answered, if they report an object.
    private static readonly string[] TextMembers = ["content", "text", "completion", "answer", "output", "input", "question", "query"];

    /// <summary>Reads a message, several of them, a response of a model, or a text.</summary>
    /// <param name="json">What was reported. A string may be JSON again.</param>
    /// <param name="role">Who says it, where it does not say so itself.</param>
    public IReadOnlyList<ImportedMessage> Read(JsonElement json, string role)
    {
        if (json.ValueKind == JsonValueKind.String)
        {
            if (Parsed(json) is { } inner)
                return Read(inner, role);
            var text = json.GetString()!;
            return string.IsNullOrWhiteSpace(text) ? [] : [Said(role, text)];
        }
        if (json.Get("messages") is { ValueKind: JsonValueKind.Array } messages)
            return Read(messages, role);
        if (json.Get("choices") is { ValueKind: JsonValueKind.Array } choices)
            return [.. choices.EnumerateArray().Take(1).SelectMany(choice => Read(choice.Get("message"), role))];
        if (json.Get("output") is { ValueKind: JsonValueKind.Array } output)
            return Read(output, role);
        if (json.Get("message") is { ValueKind: JsonValueKind.Object } choice && IsMessage(choice) && !IsMessage(json))
            return Read(choice, role);
        if (json.ValueKind == JsonValueKind.Array)
        {
            var all = json.EnumerateArray().ToList();
            return all.TrueForAll(IsMessage) ? [.. all.SelectMany(message => Message(message, role))] : [Said(role, json.GetRawText())];
        }
        if (json.ValueKind != JsonValueKind.Object)
            return json.IsGiven() ? [Said(role, json.GetRawText())] : [];
        return IsMessage(json) ? [.. Message(json, role)] : [Said(role, json.AnyText(TextMembers) ?? json.GetRawText())];
    }

    /// <summary>Parts without a message around them, said by this role.</summary>
    public IReadOnlyList<ImportedMessage> ReadParts(JsonElement parts, string role) => [.. Message(parts, parts, role)];

    public ImportedMessage Said(string role, string text) => new() { Role = Role(role), Content = embedded.InText(text) };

    /// <summary>A message of the assistant that calls these tools; null: none was called.</summary>
    public ImportedMessage? Calls(string? text, JsonElement calls)
    {
        var read = calls.Elements().Select(MessageParts.Call).ToList();
        return string.IsNullOrEmpty(text) && read.Count == 0 ? null : new()
        {
            Role = "assistant",
            Content = embedded.InText(text),
            ToolCalls = OpenAiMessages.Write(read, embedded),
        };
    }

    /// <summary>JSON in a string; null: it is only text.</summary>
    public static JsonElement? Parsed(string text)
    {
        var start = text.AsSpan().TrimStart();
        if (start.Length == 0 || start[0] is not ('{' or '['))
            return null;
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The same, of a string in JSON, without making a string of it.</summary>
    public static JsonElement? Parsed(JsonElement text)
    {
        var raw = JsonMarshal.GetRawUtf8Value(text);
        // Most texts begin with a letter and need no copy. One that begins with an escape may be JSON all the same.
        var start = raw[1..].TrimStart(" \t\r\n"u8);
        if (start[0] is not ((byte)'{' or (byte)'[' or (byte)'\\'))
            return null;
        var reader = new Utf8JsonReader(raw);
        reader.Read();
        var rented = ArrayPool<byte>.Shared.Rent(raw.Length);
        try
        {
            var json = rented.AsSpan(0, reader.CopyString(rented));
            start = ((ReadOnlySpan<byte>)json).TrimStart(" \t\r\n"u8);
            return start.Length > 0 && start[0] is (byte)'{' or (byte)'[' ? JsonElement.Parse(json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static bool IsMessage(JsonElement json) =>
        json.ValueKind == JsonValueKind.Object && (json.AnyText("role") is not null || MessageParts.IsToolPart(json.Text("type")));

    private IEnumerable<ImportedMessage> Message(JsonElement json, string role)
    {
        // Items of OpenAI's responses are calls and answers of tools, without a role.
        if (json.Text("role") is not { } said)
        {
            using var item = JsonDocument.Parse($"[{json.GetRawText()}]");
            return [.. Message(item.RootElement, default, role)];
        }
        var content = json.Get("parts") is { ValueKind: JsonValueKind.Array } parts ? parts : json.Get("content");
        return Message(content, json, said);
    }

    private IEnumerable<ImportedMessage> Message(JsonElement content, JsonElement json, string role)
    {
        role = Role(role);
        var parts = new MessageParts(embedded);
        parts.Read(content, json);
        if (role is "tool" or "function" && parts.Answers.Count == 0)
        {
            yield return new()
            {
                Role = role,
                Content = parts.Text ?? "",
                ToolCallId = json.AnyText("tool_call_id", "toolCallId", "id"),
                Name = json.AnyText("name", "toolName"),
            };
            yield break;
        }
        // The caller's answers of tools come before what the user says with them.
        foreach (var answer in role == "assistant" ? [] : parts.Answers)
            yield return answer;
        var message = new ImportedMessage
        {
            Role = role,
            Content = parts.Text,
            Parts = parts.Others,
            ToolCalls = role == "assistant" ? OpenAiMessages.Write(parts.Calls, embedded) : default,
            Name = json.Text("name"),
            Metadata = parts.Reasoning is { } reasoning ? new MetadataBuilder(notes).Add("reasoning", reasoning).Build() : default,
        };
        if (message.SaysSomething)
            yield return message;
        foreach (var answer in role == "assistant" ? parts.Answers : [])
            yield return answer;
    }

    // The same string each time: many messages are kept in memory, and each has a role.
    private static string Role(string said) => said.ToLowerInvariant() switch
    {
        "assistant" or "model" or "ai" or "bot" => "assistant",
        "system" => "system",
        "developer" => "developer",
        "tool" => "tool",
        "function" => "function",
        _ => "user",
    };
}
