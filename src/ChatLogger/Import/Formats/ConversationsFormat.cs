using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// Dialogues of a corpus, one a line: <c>{ conversationId, vertical, scenario, messages: [{ role, content, metadata }] }</c>. Missing
/// members are errors, because a corpus is complete.
/// </summary>
internal sealed class ConversationsFormat : JsonImportFormat
{
    private const int TitleLength = 200;

    public override string Name => "conversations";

    protected override IEnumerable<ImportedConversation> Conversations(JsonElement json, JsonSource source)
    {
        var id = Required(json, "conversationId");
        if (id is null or "")
            throw new FormatException("conversationId is missing");
        if (json.Get("messages").ValueKind != JsonValueKind.Array)
            throw new FormatException("messages is not an array");
        var (vertical, scenario) = (Required(json, "vertical"), Required(json, "scenario"));
        return
        [
            new()
            {
                Id = id,
                ExternalId = source.ExternalId(id),
                Title = string.IsNullOrEmpty(scenario) ? null : string.Concat(scenario.EnumerateRunes().Take(TitleLength)),
                Tags = string.IsNullOrWhiteSpace(vertical) ? [] : [vertical.Trim()],
                Metadata = source.Metadata().Add("conversationId", id).Add("vertical", vertical).Add("scenario", scenario).Build(),
                Messages = [.. json.Elements("messages").Select(MessageOf)],
            },
        ];
    }

    private static ImportedMessage MessageOf(JsonElement message, int index)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw new FormatException($"messages[{index}] is not an object");
        var metadata = message.Get("metadata");
        // Metadata is passed on as it stands, so its strings are decoded only for the check.
        if (metadata.IsGiven() && metadata.GetRawText().Contains("\\u", StringComparison.Ordinal))
            Decode(metadata);
        return new()
        {
            Role = Required(message, "role") ?? throw new FormatException($"messages[{index}].role is missing"),
            Content = Required(message, "content") ?? throw new FormatException($"messages[{index}].content is missing"),
            Metadata = metadata,
        };
    }

    private static string? Required(JsonElement json, string name) =>
        json.Get(name) is { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.String) }
            ? throw new FormatException($"{name} is not a string")
            : json.Text(name);

    /// <exception cref="InvalidOperationException">A string has half a surrogate pair.</exception>
    private static void Decode(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.String)
            json.GetString();
        else if (json.ValueKind == JsonValueKind.Array)
            json.EnumerateArray().ToList().ForEach(Decode);
        else if (json.ValueKind == JsonValueKind.Object)
            json.EnumerateObject().ToList().ForEach(member => Decode(member.Value));
    }
}
