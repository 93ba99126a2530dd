using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// ChatGPT's <c>conversations.json</c>: an array of conversations, whose <c>mapping</c> is a tree of messages. A message of the assistant
/// to a tool is a call; what the tool says next is its answer.
/// </summary>
internal sealed class ChatGptFormat : JsonImportFormat
{
    public override string Name => "chatgpt";

    protected override IEnumerable<ImportedConversation> Conversations(JsonElement json, JsonSource source)
    {
        if (json.Get("mapping") is not { ValueKind: JsonValueKind.Object } mapping)
            throw new FormatException("mapping is not an object");
        var tree = new MessageTree();
        foreach (var node in mapping.EnumerateObject())
            tree.Add(node.Name, node.Value.Text("parent"), node.Value.Get("message"));
        var id = json.AnyText("conversation_id", "id");
        foreach (var (key, nodes) in tree.Branches(json.Text("current_node"), source.Options.Branches))
        {
            yield return Fitted.Conversation(
                new()
                {
                    Id = id,
                    ExternalId = source.ExternalId(key is null ? id : $"{id}#{key}"),
                    Title = json.Text("title"),
                    CreatedAt = json.Time("create_time"),
                    Metadata = source.Metadata()
                        .Add("source", "chatgpt")
                        .Add("conversationId", id)
                        .Add("branch", key)
                        .Add("gizmoId", json.Text("gizmo_id"))
                        .Add("defaultModel", json.Text("default_model_slug"))
                        .Build(),
                    Messages = Messages(nodes, source),
                },
                source.Notes);
        }
    }

    private static List<ImportedMessage> Messages(List<JsonElement> nodes, JsonSource source)
    {
        var messages = new List<ImportedMessage>();
        var calls = new Dictionary<string, string>();
        foreach (var node in nodes.Where(node => node.ValueKind == JsonValueKind.Object))
        {
            var (author, content, more) = (node.Get("author"), node.Get("content"), node.Get("metadata"));
            var (role, recipient) = (author.Text("role") ?? "", node.Text("recipient"));
            var message = ReadContent(content, source) with
            {
                Role = role,
                Model = role == "assistant" ? more.Text("model_slug") : null,
                CreatedAt = node.Time("create_time"),
                Metadata = source.Metadata()
                    .Add("contentType", content.Text("content_type") is not "text" and var type ? type : null)
                    .Add("hidden", more.Get("is_visually_hidden_from_conversation", JsonValueKind.True))
                    .Build(),
            };
            if (role == "assistant" && recipient is not (null or "" or "all") && message.SaysSomething)
            {
                var call = new ToolCall(node.Text("id") ?? $"call_{messages.Count}", recipient, message.Content ?? "");
                calls[recipient] = call.Id;
                message = message with { Content = null, ToolCalls = OpenAiMessages.Write([call], source.Embedded) };
            }
            else if (role == "tool")
            {
                var name = author.Text("name");
                message = message with { Name = name, ToolCallId = name is null ? null : calls.GetValueOrDefault(name) };
            }
            messages.Add(message);
        }
        return messages;
    }

    private static ImportedMessage ReadContent(JsonElement content, JsonSource source)
    {
        var message = new ImportedMessage { Role = "" };
        var parts = content.Elements("parts").ToList();
        if (parts.Exists(part => part.ValueKind == JsonValueKind.Object))
            return message with { Parts = source.Embedded.InParts(Typed(parts)) };
        var text = content.Text("content_type") switch
        {
            "thoughts" => Joined(content.Elements("thoughts").Select(
                thought => Joined([thought.Text("summary"), thought.Text("content")]))),
            "user_editable_context" => Joined([content.Text("user_profile"), content.Text("user_instructions")]),
            "tether_browsing_display" => Joined([content.Text("summary"), content.Text("result")]),
            "tether_quote" => Joined([content.Text("title"), content.Text("url"), content.Text("text")]),
            _ when parts.Count > 0 => Joined(parts.Select(part => part.ValueKind == JsonValueKind.String ? part.GetString() : null)),
            _ => content.AnyText("text", "content", "result", "model_set_context"),
        };
        return message with { Content = source.Embedded.InText(text) };
    }

    // Strings become text; images and recordings, whose files are beside the export, keep their pointers.
    private static JsonElement Typed(List<JsonElement> parts) => JsonElement.Parse($"[{string.Join(',', parts
        .Where(part => part.ValueKind == JsonValueKind.Object || (part.ValueKind == JsonValueKind.String && part.GetString() is not ""))
        .Select(Typed))}]");

    private static string Typed(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.String)
            return $$"""{"type":"text","text":{{part.GetRawText()}}}""";
        var members = part.EnumerateObject()
            .Where(member => member.Name is not ("type" or "content_type") && member.Value.ValueKind != JsonValueKind.Null)
            .Select(member => $"{MetadataBuilder.JsonText(member.Name)}:{member.Value.GetRawText()}")
            .Prepend($"\"type\":{MetadataBuilder.JsonText(part.AnyText("content_type", "type") ?? "json")}");
        return $"{{{string.Join(',', members)}}}";
    }

    private static string Joined(IEnumerable<string?> texts) => string.Join("\n\n", texts.Where(text => !string.IsNullOrEmpty(text)));
}
