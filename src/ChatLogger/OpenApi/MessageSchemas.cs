using System.Text.Json.Nodes;
using ChatLogger.Http;

namespace ChatLogger.OpenApi;

/// <summary>The schemas of what a message consists of, which is stored as raw JSON and so has no types to derive them from.</summary>
internal static class MessageSchemas
{
    public static void Add(JsonObject schemas, Limits limits)
    {
        schemas["MessagePart"] = new JsonObject
        {
            ["type"] = "object",
            ["description"] = "A part of a message: an object with a `type`, and any other members.",
            ["required"] = new JsonArray("type"),
            ["properties"] = new JsonObject { ["type"] = Text(1, limits.PartTypeLength) },
            ["additionalProperties"] = true,
        };
        schemas["ToolCall"] = new JsonObject
        {
            ["type"] = "object",
            ["description"] = "A tool that the assistant calls.",
            ["required"] = new JsonArray("id", "name", "arguments"),
            ["properties"] = new JsonObject
            {
                ["id"] = Text(1, limits.ToolNameLength),
                ["name"] = Text(1, limits.ToolNameLength),
                ["arguments"] = new JsonObject
                {
                    ["anyOf"] = new JsonArray(
                        Text(0, limits.ContentBytes),
                        new JsonObject { ["type"] = "object", ["additionalProperties"] = true }),
                },
            },
        };
    }

    private static JsonObject Text(int least, int most) => new() { ["type"] = "string", ["minLength"] = least, ["maxLength"] = most };
}
