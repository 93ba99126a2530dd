using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// OpenAI's files for fine-tuning: <c>{"messages":[{ role, content, tool_calls, … }], "tools": […]}</c> on each line. A conversation has no
/// id.
/// </summary>
internal sealed class OpenAiImportFormat : JsonImportFormat
{
    public override string Name => "openai-jsonl";

    protected override IEnumerable<ImportedConversation> Conversations(JsonElement json, JsonSource source)
    {
        if (json.Get("messages").ValueKind != JsonValueKind.Array)
            throw new FormatException("messages is not an array");
        var messages = json.Elements("messages")
            .Select((message, index) => OpenAiMessages.Read(message, index, source.Embedded, source.Notes))
            .ToList();
        return
        [
            Fitted.Conversation(
                new()
                {
                    ExternalId = source.ExternalId(null),
                    Metadata = source.Metadata()
                        .Add("tools", json.Get("tools"))
                        .Add("functions", json.Get("functions"))
                        .Add("parallelToolCalls", json.Get("parallel_tool_calls"))
                        .Build(),
                    Messages = LinkAnswers(messages),
                },
                source.Notes),
        ];
    }

    // An answer of the older kind names the function and not the call.
    private static List<ImportedMessage> LinkAnswers(List<ImportedMessage> messages)
    {
        for (var i = 1; i < messages.Count; i++)
        {
            if (messages[i] is { Role: "function", ToolCallId: null, Name: { } name }
                && messages[i - 1].ToolCalls.Elements().FirstOrDefault(call => call.Text("name") == name).Text("id") is { } id)
                messages[i] = messages[i] with { ToolCallId = id };
        }
        return messages;
    }
}
