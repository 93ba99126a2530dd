using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>ShareGPT's conversations, as data sets have them: <c>{ id, conversations: [{ from, value }], system?, tools? }</c>.</summary>
internal sealed class ShareGptFormat : JsonImportFormat
{
    public override string Name => "sharegpt";

    protected override IEnumerable<ImportedConversation> Conversations(JsonElement json, JsonSource source)
    {
        var turns = json.Get("conversations") is { ValueKind: JsonValueKind.Array } list ? list : json.Get("items");
        if (turns.ValueKind != JsonValueKind.Array)
            throw new FormatException("conversations is not an array");
        var messages = new List<ImportedMessage>();
        if (json.Text("system") is { Length: > 0 } system)
            messages.Add(new() { Role = "system", Content = system });
        string? call = null;
        foreach (var (index, turn) in turns.EnumerateArray().Index())
        {
            var message = Message(turn, index, call, source);
            call = message.ToolCalls.Elements().FirstOrDefault().Text("id") ?? (message.Role == "tool" ? call : null);
            messages.Add(message);
        }
        var id = json.Text("id");
        return
        [
            Fitted.Conversation(
                new()
                {
                    Id = id,
                    ExternalId = source.ExternalId(id),
                    Title = json.Text("title"),
                    Metadata = source.Metadata().Add("source", "sharegpt").Add("id", id).Add("tools", json.Get("tools")).Build(),
                    Messages = messages,
                },
                source.Notes),
        ];
    }

    private static ImportedMessage Message(JsonElement turn, int index, string? call, JsonSource source)
    {
        var from = turn.AnyText("from", "role") ?? throw new FormatException($"conversations[{index}].from is missing");
        var text = turn.Text("value") ?? turn.Text("content");
        var message = new ImportedMessage { Role = Role(from), Content = source.Embedded.InText(text) };
        if (from == "function_call" && text is not null)
            return message with { Content = null, ToolCalls = OpenAiMessages.Write([Call(text, index)], source.Embedded) };
        return message.Role == "tool" ? message with { ToolCallId = call } : message;
    }

    private static string Role(string from) => from switch
    {
        "human" or "user" => "user",
        "gpt" or "assistant" or "bot" or "chatgpt" or "bing" or "bard" or "model" or "function_call" => "assistant",
        "observation" or "function_response" or "tool" => "tool",
        _ => from,
    };

    private static ToolCall Call(string text, int index)
    {
        try
        {
            var call = JsonElement.Parse(text);
            if (call.AnyText("name") is { } name)
            {
                var arguments = call.Get("arguments");
                return new($"call_{index}", name, arguments.ValueKind == JsonValueKind.String
                    ? arguments.GetString()!
                    : arguments.IsGiven() ? arguments.GetRawText() : "");
            }
        }
        catch (JsonException)
        {
            // A call in words of its own keeps them as its arguments.
        }
        return new($"call_{index}", "unknown", text);
    }
}
