using System.Text.Json;
using System.Text.RegularExpressions;

namespace ChatLogger.Tests.Features.Exports;

/// <summary>
/// The rules by which a training service accepts a file of conversations: if a line breaks one of them, it refuses the whole file.
/// </summary>
internal static partial class Trainer
{
    private static readonly Dictionary<string, string[]> Members = new()
    {
        ["system"] = ["role", "content", "name"],
        ["developer"] = ["role", "content", "name"],
        ["user"] = ["role", "content", "name"],
        ["assistant"] = ["role", "content", "name", "tool_calls"],
        ["tool"] = ["role", "content", "tool_call_id"],
    };

    private static readonly Dictionary<string, string[]> PartTypes = new()
    {
        ["system"] = ["text"],
        ["developer"] = ["text"],
        ["user"] = ["text", "image_url", "input_audio", "file"],
        ["assistant"] = ["text", "refusal"],
        ["tool"] = ["text"],
    };

    public static void Accepts(string file)
    {
        foreach (var line in file.Split('\n')[..^1])
        {
            var document = JsonDocument.Parse(line).RootElement;
            Assert.Equal(["messages"], document.EnumerateObject().Select(member => member.Name));
            var messages = document.GetProperty("messages").EnumerateArray().ToList();
            Assert.Contains(messages, message => message.GetProperty("role").GetString() == "assistant");
            var waiting = new HashSet<string>();
            foreach (var message in messages)
            {
                var role = message.GetProperty("role").GetString()!;
                Assert.All(message.EnumerateObject(), member => Assert.Contains(member.Name, Members[role]));
                if (role == "tool")
                    Assert.True(waiting.Remove(message.GetProperty("tool_call_id").GetString()!), $"Nobody asked: {message}");
                else
                    Assert.True(waiting.Count == 0, $"A call before {message} has no answer.");
                CheckContent(role, message);
                if (message.TryGetProperty("name", out var name))
                    Assert.Matches(Name(), name.GetString()!);
                if (message.TryGetProperty("tool_calls", out var calls))
                    CheckCalls(calls, waiting);
            }
            // At the end calls may be what the model learns to say; then none of them has an answer.
            if (waiting.Count > 0)
                Assert.Equal(waiting.Count, messages[^1].GetProperty("tool_calls").GetArrayLength());
        }
    }

    private static void CheckContent(string role, JsonElement message)
    {
        var content = message.GetProperty("content");
        switch (content.ValueKind)
        {
            case JsonValueKind.Null:
                Assert.True(message.TryGetProperty("tool_calls", out _), $"This says nothing: {message}");
                break;
            case JsonValueKind.Array:
                Assert.NotEmpty(content.EnumerateArray());
                Assert.All(content.EnumerateArray(), part =>
                {
                    var type = part.GetProperty("type").GetString()!;
                    Assert.Contains(type, PartTypes[role]);
                    Assert.Equal(["type", type], part.EnumerateObject().Select(member => member.Name));
                    Assert.Equal(
                        type is "text" or "refusal" ? JsonValueKind.String : JsonValueKind.Object, part.GetProperty(type).ValueKind);
                });
                break;
            default:
                Assert.Equal(JsonValueKind.String, content.ValueKind);
                break;
        }
    }

    private static void CheckCalls(JsonElement calls, HashSet<string> waiting)
    {
        Assert.NotEmpty(calls.EnumerateArray());
        foreach (var call in calls.EnumerateArray())
        {
            Assert.Equal(["id", "type", "function"], call.EnumerateObject().Select(member => member.Name));
            Assert.True(waiting.Add(call.GetProperty("id").GetString()!), $"Twice: {call}");
            Assert.Equal("function", call.GetProperty("type").GetString());
            var function = call.GetProperty("function");
            Assert.Equal(["name", "arguments"], function.EnumerateObject().Select(member => member.Name));
            Assert.Matches(Name(), function.GetProperty("name").GetString()!);
            Assert.Equal(JsonValueKind.String, function.GetProperty("arguments").ValueKind);
        }
    }

    [GeneratedRegex(@"^[a-zA-Z0-9_-]{1,64}\z")]
    private static partial Regex Name();
}
