using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// LibreChat's export of a conversation as JSON: its messages as a list, each with the id of the one before it, or as a tree of
/// <c>children</c>.
/// </summary>
internal sealed class LibreChatFormat : JsonImportFormat
{
    private const string NoParent = "00000000-0000-0000-0000-000000000000";

    public override string Name => "librechat";

    protected override IEnumerable<ImportedConversation> Conversations(JsonElement json, JsonSource source)
    {
        var messages = json.Get("messages") is { ValueKind: JsonValueKind.Array } flat ? flat : json.Get("messagesTree");
        if (messages.ValueKind != JsonValueKind.Array)
            throw new FormatException("messages is not an array");
        var tree = new MessageTree();
        string? previous = null;
        foreach (var message in messages.EnumerateArray())
            previous = Add(tree, message, previous, isNested: false);
        var id = json.Text("conversationId");
        var options = json.Get("options");
        foreach (var (key, nodes) in tree.Branches(Latest(messages), source.Options.Branches))
        {
            yield return Fitted.Conversation(
                new()
                {
                    Id = id,
                    ExternalId = source.ExternalId(key is null ? id : $"{id}#{key}"),
                    Title = json.Text("title"),
                    Tags = [.. json.Elements("tags").Where(tag => tag.ValueKind == JsonValueKind.String).Select(tag => tag.GetString()!)],
                    CreatedAt = json.Time("createdAt"),
                    Metadata = source.Metadata()
                        .Add("source", "librechat")
                        .Add("conversationId", id)
                        .Add("branch", key)
                        .Add("endpoint", json.Text("endpoint"))
                        .Build(),
                    Messages = [.. nodes.SelectMany(node => Messages(node, options.Text("model") ?? json.Text("model"), source))],
                },
                source.Notes);
        }
    }

    // Lists without ids of parents are in the order of the conversation.
    private static string Add(MessageTree tree, JsonElement message, string? previous, bool isNested)
    {
        var id = message.Text("messageId") ?? throw new FormatException("a message has no messageId");
        var parent = isNested ? previous : message.Text("parentMessageId") ?? previous;
        tree.Add(id, parent == NoParent ? null : parent, message);
        foreach (var child in message.Elements("children"))
            Add(tree, child, id, isNested: true);
        return id;
    }

    /// <summary>The id of the newest message.</summary>
    private static string? Latest(JsonElement messages)
    {
        var (latest, at) = ((string?)null, DateTimeOffset.MinValue);
        var waiting = new Stack<JsonElement>(messages.EnumerateArray().Reverse());
        while (waiting.TryPop(out var message))
        {
            if (message.Time("createdAt") is { } created && created >= at)
                (latest, at) = (message.Text("messageId"), created);
            foreach (var child in message.Elements("children").Reverse())
                waiting.Push(child);
        }
        return latest;
    }

    /// <summary>One message, and the answers of the tools that it has called.</summary>
    private static IEnumerable<ImportedMessage> Messages(JsonElement json, string? model, JsonSource source)
    {
        var isUser = json.Get("isCreatedByUser").ValueKind == JsonValueKind.True || json.Text("sender") == "User";
        var at = json.Time("createdAt");
        var content = json.Elements("content").ToList();
        var calls = content.Where(part => part.Text("type") == "tool_call").Select(part => part.Get("tool_call"))
            .Select((call, index) => (Call: call, Id: call.AnyText("id") ?? $"call_{index}")).ToList();
        var texts = content.Where(part => part.Text("type") == "text")
            .Select(part => part.Text("text") ?? part.Get("text").Text("value"));
        var text = json.AnyText("text") ?? string.Join("\n\n", texts.Where(part => !string.IsNullOrEmpty(part)));
        if (isUser || calls.Count == 0)
        {
            yield return Message(isUser, text);
            yield break;
        }
        yield return Message(isUser, null) with
        {
            ToolCalls = OpenAiMessages.Write(
                [.. calls.Select(call => new ToolCall(call.Id, NameOf(call.Call), call.Call.Text("args") ?? Raw(call.Call.Get("args"))))],
                source.Embedded),
            Feedback = null,
            TokenCount = null,
        };
        foreach (var (call, id) in calls.Where(call => call.Call.Text("output") is { Length: > 0 }))
        {
            yield return new()
            {
                Role = "tool",
                Name = NameOf(call),
                ToolCallId = id,
                Content = source.Embedded.InText(call.Text("output")),
                CreatedAt = at,
            };
        }
        yield return Message(isUser, text);

        ImportedMessage Message(bool isUser, string? text) => new()
        {
            Role = isUser ? "user" : json.Text("sender") == "System" ? "system" : "assistant",
            Content = source.Embedded.InText(text),
            Model = isUser ? null : json.AnyText("model") ?? model,
            TokenCount = json.Count("tokenCount"),
            CreatedAt = at,
            Metadata = source.Metadata().Add("error", json.Get("error", JsonValueKind.True)).Build(),
            Feedback = Rating(json.Get("feedback")),
        };
    }

    private static string NameOf(JsonElement call) => call.AnyText("name") ?? "unknown";

    private static string Raw(JsonElement json) => json.IsGiven() ? json.GetRawText() : "";

    private static ImportedFeedback? Rating(JsonElement feedback) => feedback.Text("rating") switch
    {
        "thumbsUp" => new("up", feedback.AnyText("text", "tag"), null),
        "thumbsDown" => new("down", feedback.AnyText("text", "tag"), null),
        _ => null,
    };
}
