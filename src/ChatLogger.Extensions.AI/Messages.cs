using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ChatLogger.Client;
using Microsoft.Extensions.AI;

namespace ChatLogger.Extensions.AI;

/// <summary>What the service's messages are of those of a model.</summary>
internal static class Messages
{
    /// <summary>Messages without anything to say are left out; what several tools answered in one message is a message for each.</summary>
    public static List<ChatLoggerMessage> Of(IEnumerable<ChatMessage> messages, EmbeddedFiles files) =>
        [.. messages.SelectMany(message => Of(message, files))];

    private static IEnumerable<ChatLoggerMessage> Of(ChatMessage message, EmbeddedFiles files)
    {
        foreach (var result in message.Contents.OfType<FunctionResultContent>())
            yield return new("tool", Text(result.Result ?? result.Exception?.Message)) { ToolCallId = result.CallId };
        var parts = message.Contents.Select(content => Part(content, files)).OfType<JsonObject>().ToList();
        var calls = message.Contents.OfType<FunctionCallContent>().Select(Call).ToList();
        var text = string.Concat(message.Contents.OfType<TextContent>().Select(content => content.Text));
        if (text.Length == 0 && parts.Count == 0 && calls.Count == 0)
            yield break;
        // Beside files the text is a part too, so that it is not said twice.
        if (parts.Count > 0 && text.Length > 0)
            parts.Insert(0, new JsonObject { ["type"] = "text", ["text"] = text });
        yield return new(Role(message.Role), parts.Count > 0 || text.Length == 0 ? null : text)
        {
            Parts = parts.Count > 0 ? parts : null,
            ToolCalls = calls.Count > 0 ? calls : null,
            Name = message.AuthorName,
            CreatedAt = null,
        };
    }

    private static string Role(ChatRole role) =>
        role.Value is "user" or "assistant" or "system" or "developer" or "tool" or "function" ? role.Value : "user";

    private static JsonObject? Part(AIContent content, EmbeddedFiles files) => content switch
    {
        DataContent data => files.Placeholder(TypeOf(data.MediaType), data.MediaType, data.Data.Span),
        UriContent uri => new JsonObject { ["type"] = TypeOf(uri.MediaType), ["mediaType"] = uri.MediaType, ["url"] = uri.Uri.AbsoluteUri },
        HostedFileContent file => new JsonObject { ["type"] = "file", ["fileId"] = file.FileId },
        _ => null,
    };

    private static string TypeOf(string mediaType) =>
        mediaType.Split('/')[0] is "image" or "audio" or "video" ? mediaType.Split('/')[0] : "file";

    private static ChatLoggerToolCall Call(FunctionCallContent call)
    {
        var arguments = new JsonObject();
        foreach (var (name, value) in call.Arguments ?? new Dictionary<string, object?>())
            arguments[name] = Node(value);
        return new(call.CallId, call.Name, arguments);
    }

    private static JsonNode? Node(object? value) => value switch
    {
        null => null,
        JsonNode node => node.DeepClone(),
        JsonElement element => JsonNode.Parse(element.GetRawText()),
        _ => JsonNode.Parse(Json(value)),
    };

    private static string? Text(object? result) => result switch
    {
        null => null,
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } element => element.GetString(),
        JsonElement element => element.GetRawText(),
        JsonNode node => node.ToJsonString(),
        TextContent content => content.Text,
        IEnumerable<AIContent> contents => string.Concat(contents.OfType<TextContent>().Select(content => content.Text)),
        _ => Json(result),
    };

    // A type that the source-generated contracts do not know is written as its text.
    private static string Json(object value)
    {
        try
        {
            return JsonSerializer.Serialize(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType()));
        }
        catch (Exception failure) when (failure is NotSupportedException or JsonException or InvalidOperationException)
        {
            return JsonSerializer.Serialize(value.ToString() ?? "", AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(string)));
        }
    }

    /// <summary>The same for a message that a model wrote and for what the caller makes of it in the next call.</summary>
    public static string Fingerprint(ChatLoggerMessage message)
    {
        var text = new StringBuilder(message.Role).Append('\n').Append(message.Content).Append('\n').Append(message.ToolCallId);
        foreach (var part in message.Parts ?? [])
            text.Append('\n').Append(part.ToJsonString());
        foreach (var call in message.ToolCalls ?? [])
            text.Append('\n').Append(call.Id).Append(' ').Append(call.Name).Append(' ').Append(call.Arguments.ToJsonString());
        return text.ToString();
    }
}
