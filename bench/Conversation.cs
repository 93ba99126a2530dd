using System.Text.Json;

namespace ChatLogger.Bench;

internal sealed record Message(string Role, string Content, JsonElement Metadata);

/// <summary>One line of the file.</summary>
internal sealed record Conversation(long Line, string Id, string? Vertical, string? Scenario, IReadOnlyList<Message> Messages)
{
    private const int TitleLimit = 200;

    // A repeated member has no single value to compare.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public string? Title => string.IsNullOrEmpty(Scenario) ? null : string.Concat(Scenario.EnumerateRunes().Take(TitleLimit));

    public IReadOnlyList<string> Tags => string.IsNullOrWhiteSpace(Vertical) ? [] : [Vertical.Trim()];

    /// <summary>Reads one line; a <see cref="FormatException"/> says in a few words what is wrong with it.</summary>
    public static Conversation Parse(long line, ReadOnlySpan<byte> utf8)
    {
        if (!System.Text.Unicode.Utf8.IsValid(utf8))
            throw new FormatException("not valid UTF-8");
        try
        {
            var json = JsonElement.Parse(utf8, Strict);
            if (json.ValueKind != JsonValueKind.Object)
                throw new FormatException("not a JSON object");

            var id = Text(json, "conversationId");
            if (id is null or "")
                throw new FormatException("conversationId is missing");
            if (!json.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array)
                throw new FormatException("messages is not an array");

            var mayHoldHalfPairs = utf8.IndexOf("\\u"u8) >= 0;
            return new Conversation(line, id, Text(json, "vertical"), Text(json, "scenario"),
                [.. messages.EnumerateArray().Select((message, index) => ParseMessage(message, index, mayHoldHalfPairs))]);
        }
        catch (JsonException e)
        {
            throw new FormatException($"not JSON, or a member stands twice (byte {e.BytePositionInLine})");
        }
        catch (InvalidOperationException)
        {
            throw new FormatException("half a surrogate pair in a string");
        }
    }

    private static Message ParseMessage(JsonElement message, int index, bool mayHoldHalfPairs)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw new FormatException($"messages[{index}] is not an object");
        var role = Text(message, "role") ?? throw new FormatException($"messages[{index}].role is missing");
        var content = Text(message, "content") ?? throw new FormatException($"messages[{index}].content is missing");
        message.TryGetProperty("metadata", out var metadata);

        // Role and content were decoded above; metadata is passed on as it stands, so its strings are decoded for the check alone.
        if (mayHoldHalfPairs)
            _ = JsonEquality.Canonical(metadata);
        return new Message(role, content, metadata);
    }

    private static string? Text(JsonElement json, string name) =>
        !json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw new FormatException($"{name} is not a string");
}
