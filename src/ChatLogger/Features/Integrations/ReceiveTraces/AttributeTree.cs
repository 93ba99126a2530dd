using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>
/// Makes messages of attributes that each hold one member of one message: <c>gen_ai.prompt.0.role</c>,
/// <c>llm.input_messages.0.message.tool_calls.0.tool_call.function.name</c>.
/// </summary>
internal static class AttributeTree
{
    private const int MostMessages = 10_000;

    /// <summary>How deep members nest at most, as deep as JSON may: a name that goes on would end the process by its recursion.</summary>
    private const int MaxDepth = Http.Json.MaxDepth;

    public static IEnumerable<JsonElement> Of(SpanAttributes attributes, string prefix)
    {
        var messages = new SortedDictionary<int, JsonObject>();
        foreach (var name in attributes.Names)
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            var path = name[prefix.Length..].Split('.', MaxDepth + 1);
            if (path.Length < 2 || !TryIndex(path[0], out var index))
                continue;
            if (path.Length > MaxDepth)
                throw new FormatException("The name of an attribute has too many members in it.");
            if (!messages.TryGetValue(index, out var message))
                messages.Add(index, message = []);
            Put(message, path.AsSpan(1), attributes, name);
        }
        return messages.Values.Select(message => JsonElement.Parse(Lists(message)!.ToJsonString(Http.Json.Options)));
    }

    private static void Put(JsonObject owner, ReadOnlySpan<string> path, SpanAttributes attributes, string name)
    {
        for (; path.Length > 1; path = path[1..])
        {
            if (owner[path[0]] is not JsonObject inner)
                owner[path[0]] = inner = [];
            owner = inner;
        }
        // A text that looks like JSON stays a text: it is what somebody said.
        owner[path[0]] = attributes.Text(name) is { } text ? JsonValue.Create(text)
            : attributes.Count(name) is { } count ? JsonValue.Create(count)
            : attributes.Json(name) is var json && json.IsGiven() ? JsonNode.Parse(json.GetRawText()) : null;
    }

    // An object whose members are numbers is a list. Where an element has one member that is named for it, "tool_calls.0.tool_call.name",
    // that member is the element.
    private static JsonNode? Lists(JsonNode? node)
    {
        if (node is not JsonObject members)
            return node?.DeepClone();
        if (members.Count > 0 && members.All(member => TryIndex(member.Key, out _)))
        {
            return new JsonArray([.. members.OrderBy(member => int.Parse(member.Key, CultureInfo.InvariantCulture))
                .Select(member => Unwrap(Lists(member.Value)))]);
        }
        return new JsonObject(members.Select(member => KeyValuePair.Create(
            member.Key is "contents" ? "content" : member.Key, Lists(member.Value))));
    }

    private static JsonNode? Unwrap(JsonNode? element)
    {
        return element is JsonObject { Count: 1 } only
            && only.First() is { Key: "tool_call" or "message_content", Value: JsonObject inner }
                ? inner.DeepClone()
                : element;
    }

    private static bool TryIndex(string text, out int index) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out index) && index < MostMessages;
}
