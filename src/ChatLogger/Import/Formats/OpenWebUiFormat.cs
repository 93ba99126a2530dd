using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>Open WebUI's export of chats: an array of rows, whose <c>chat.history</c> is a tree of messages with ratings.</summary>
internal sealed class OpenWebUiFormat : JsonImportFormat
{
    private const double NanosecondsInMilliseconds = 1e-6;

    public override string Name => "open-webui";

    protected override IEnumerable<ImportedConversation> Conversations(JsonElement json, JsonSource source)
    {
        // An older export has the chat itself in place of the row.
        var chat = json.Get("chat") is { ValueKind: JsonValueKind.Object } inner ? inner : json;
        var history = chat.Get("history");
        var tree = new MessageTree();
        if (history.Get("messages") is { ValueKind: JsonValueKind.Object } nodes)
        {
            foreach (var node in nodes.EnumerateObject())
                tree.Add(node.Name, node.Value.Text("parentId"), node.Value);
        }
        else if (chat.Get("messages") is { ValueKind: JsonValueKind.Array } list)
        {
            string? previous = null;
            foreach (var (index, message) in list.EnumerateArray().Index())
            {
                var own = message.Text("id") ?? $"{index}";
                tree.Add(own, message.Text("parentId") ?? previous, message);
                previous = own;
            }
        }
        else
        {
            throw new FormatException("neither chat.history.messages nor chat.messages is there");
        }
        var id = json.AnyText("id") ?? chat.AnyText("id");
        foreach (var (key, messages) in tree.Branches(history.Text("currentId"), source.Options.Branches))
        {
            yield return Fitted.Conversation(
                new()
                {
                    Id = id,
                    ExternalId = source.ExternalId(key is null ? id : $"{id}#{key}"),
                    Title = json.AnyText("title") ?? chat.Text("title"),
                    Tags = [.. Tags(json.Get("meta")).Concat(Tags(chat)).Distinct()],
                    ExternalUserId = json.Text("user_id"),
                    CreatedAt = json.Time("created_at") ?? chat.Time("timestamp"),
                    Metadata = source.Metadata()
                        .Add("source", "open-webui")
                        .Add("chatId", id)
                        .Add("branch", key)
                        .Add("folderId", json.Text("folder_id"))
                        .Build(),
                    Messages = [.. messages.Select(message => Message(message, source))],
                },
                source.Notes);
        }
    }

    private static IEnumerable<string> Tags(JsonElement json) => json.Elements("tags")
        .Select(tag => tag.ValueKind == JsonValueKind.String ? tag.GetString() : tag.AnyText("name"))
        .OfType<string>();

    private static ImportedMessage Message(JsonElement json, JsonSource source)
    {
        var role = json.Text("role") ?? throw new FormatException("a message has no role");
        var usage = json.Get("usage") is { ValueKind: JsonValueKind.Object } given ? given : json.Get("info");
        var (content, files) = (source.Embedded.InText(json.Text("content")), Files(json, source));
        return new()
        {
            Role = role,
            // Text beside files is a part like them, so that nothing is said twice.
            Content = files is null ? content : null,
            Parts = files is null ? default : Parts(content, files),
            Model = role == "assistant" ? json.AnyText("model", "modelName") : null,
            PromptTokens = usage.Count("prompt_tokens") ?? usage.Count("prompt_eval_count") ?? usage.Count("input_tokens"),
            CompletionTokens = usage.Count("completion_tokens") ?? usage.Count("eval_count") ?? usage.Count("output_tokens"),
            LatencyMs = usage.Count("total_duration", NanosecondsInMilliseconds),
            CreatedAt = json.Time("timestamp"),
            Feedback = Rating(json.Get("annotation")),
        };
    }

    private static List<string>? Files(JsonElement json, JsonSource source)
    {
        var files = json.Elements("files").Where(file => file.ValueKind == JsonValueKind.Object).Select(file =>
        {
            var type = file.AnyText("type") ?? "file";
            if (file.Text("url") is { } url && EmbeddedData.IsDataUrl(url))
                return source.Embedded.Placeholder(type, url).GetRawText();
            var name = file.AnyText("name", "filename") ?? file.Get("file").AnyText("filename", "id");
            (string Name, string? Value)[] members =
                [("type", type), ("name", name), ("url", file.Text("url")), ("id", file.Text("id"))];
            return $"{{{string.Join(',', members.Where(member => member.Value is not null).Select(
                member => $"\"{member.Name}\":{MetadataBuilder.JsonText(member.Value!)}"))}}}";
        }).ToList();
        return files.Count == 0 ? null : files;
    }

    private static JsonElement Parts(string? content, List<string> files)
    {
        var text = string.IsNullOrEmpty(content) ? null : $$"""{"type":"text","text":{{MetadataBuilder.JsonText(content)}}}""";
        return JsonElement.Parse($"[{string.Join(',', text is null ? files : files.Prepend(text))}]");
    }

    private static ImportedFeedback? Rating(JsonElement annotation) =>
        annotation.Get("rating") is not { ValueKind: JsonValueKind.Number } rating || !rating.TryGetDouble(out var value) || value == 0
            ? null
            : new(value > 0 ? "up" : "down", annotation.AnyText("comment", "reason"), null);
}
