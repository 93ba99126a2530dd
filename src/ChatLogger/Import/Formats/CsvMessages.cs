using System.Globalization;
using System.Text.Json;
using ChatLogger.Data;
using ChatLogger.Transcripts;
using NodaTime.Text;

namespace ChatLogger.Import;

/// <summary>Reads the rows of a CSV file by the names of its columns.</summary>
internal sealed class CsvMessages(FileContext context)
{
    private const string Signs = "=+-@\t\r\n＝＋－＠";

    /// <summary>The fields of a message and its chat, in the words of <c>--columns</c>.</summary>
    public static readonly IReadOnlyList<string> Fields =
    [
        "chat", "title", "tags", "userId", "externalUserId", "chatCreatedAt", "role", "content", "model", "latencyMs", "tokenCount",
        "promptTokens", "completionTokens", "metadata", "rating", "comment", "createdAt", "name", "toolCallId", "toolCalls", "parts",
    ];

    private static readonly Dictionary<string, string> OwnNames = new()
    {
        ["chat"] = "chatId",
        ["title"] = "chatTitle",
        ["tags"] = "chatTags",
    };

    private static readonly LocalDateTimePattern[] Patterns =
    [
        LocalDateTimePattern.CreateWithInvariantCulture("yyyy-MM-dd HH:mm:ss.FFFFFFFFF"),
        LocalDateTimePattern.CreateWithInvariantCulture("yyyy-MM-dd'T'HH:mm:ss.FFFFFFFFF"),
        LocalDateTimePattern.CreateWithInvariantCulture("yyyy-MM-dd HH:mm"),
        LocalDateTimePattern.CreateWithInvariantCulture("yyyy-MM-dd'T'HH:mm"),
    ];

    private readonly Dictionary<string, int> _places = [];
    private bool _isOwn;

    /// <exception cref="ImportException">The columns of this header do not fit.</exception>
    public void Begin(string[] header)
    {
        _isOwn = context.Options.Columns.Count == 0 && header.Contains("chatId") && header.Contains("messageId");
        foreach (var field in Fields)
        {
            var name = context.Options.Columns.Count > 0 ? context.Options.Columns.GetValueOrDefault(field)
                : _isOwn ? OwnNames.GetValueOrDefault(field, field)
                : field;
            var place = Array.FindIndex(header, column => string.Equals(column.Trim(), name, StringComparison.Ordinal));
            if (place >= 0)
                _places[field] = place;
            else if (context.Options.Columns.ContainsKey(field))
                throw new ImportException($"There is no column \"{name}\"; there are: {string.Join(", ", header)}.");
        }
        if (!_places.ContainsKey("chat") || (!_places.ContainsKey("content") && !_places.ContainsKey("parts")))
        {
            throw new ImportException(header.Contains("transcript")
                ? "A table with a row for each chat has no single messages. Export it with the layout messages, or as jsonl."
                : "The columns are not known. Name those of chat and content with --columns chat=…,content=…,role=…,createdAt=….");
        }
    }

    public string ChatId(string[] row) => Cell(row, "chat") ?? "";

    public ImportedConversation Chat(string[] row, string id) => new()
    {
        Id = id,
        ExternalId = ExternalId.Of(_isOwn ? "chatlogger" : "csv", id),
        Title = Cell(row, "title"),
        Tags = TagsOf(Cell(row, "tags")),
        UserId = Cell(row, "userId"),
        ExternalUserId = Cell(row, "externalUserId"),
        CreatedAt = Time(Cell(row, "chatCreatedAt")),
        Metadata = _isOwn ? default : new MetadataBuilder(context.Notes).Add("source", "csv").Add("id", id).Build(),
        Messages = [],
    };

    public (ImportedMessage? Message, string? Error) Message(string[] row)
    {
        try
        {
            var parts = Json(row, "parts", JsonValueKind.Array);
            var content = Cell(row, "content");
            if (Cell(row, "createdAt") is { } written && Time(written) is null)
                return (null, "createdAt is not a time");
            var rating = Cell(row, "rating")?.ToLowerInvariant() switch
            {
                "up" or "1" or "true" or "good" or "positive" => "up",
                "down" or "0" or "-1" or "false" or "bad" or "negative" => "down",
                _ => null,
            };
            return (new()
            {
                Role = RoleOf(Cell(row, "role")),
                // The service's own export shows the texts of the parts where there is no content.
                Content = content is not null && content == Texts(parts) ? null : context.Embedded.InText(content),
                Parts = _isOwn ? parts : context.Embedded.InParts(parts),
                ToolCalls = Json(row, "toolCalls", JsonValueKind.Array),
                ToolCallId = Cell(row, "toolCallId"),
                Name = Cell(row, "name"),
                Metadata = Json(row, "metadata", JsonValueKind.Object),
                LatencyMs = Number(row, "latencyMs"),
                TokenCount = Number(row, "tokenCount"),
                PromptTokens = Number(row, "promptTokens"),
                CompletionTokens = Number(row, "completionTokens"),
                Model = Cell(row, "model"),
                CreatedAt = Time(Cell(row, "createdAt")),
                Feedback = rating is null ? null : new(rating, Cell(row, "comment"), null),
            }, null);
        }
        catch (FormatException failure)
        {
            return (null, failure.Message);
        }
    }

    private string? Cell(string[] row, string field)
    {
        if (!_places.TryGetValue(field, out var place) || place >= row.Length || row[place].Length == 0)
            return null;
        var cell = row[place];
        return _isOwn && cell is ['\'', var sign, ..] && Signs.Contains(sign, StringComparison.Ordinal) ? cell[1..] : cell;
    }

    private JsonElement Json(string[] row, string field, JsonValueKind kind)
    {
        if (Cell(row, field) is not { } text)
            return default;
        try
        {
            var json = JsonElement.Parse(text);
            return json.ValueKind == kind ? json : throw new FormatException($"{field} is not a JSON {kind.ToString().ToLowerInvariant()}");
        }
        catch (JsonException)
        {
            throw new FormatException($"{field} is not JSON");
        }
    }

    private int? Number(string[] row, string field) => Cell(row, field) is not { } text ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is >= 0 and <= int.MaxValue
            ? (int)Math.Round(number)
            : throw new FormatException($"{field} is not a number");

    private DateTimeOffset? Time(string? text)
    {
        if (text is null)
            return null;
        if (Http.Rfc3339.TryParse(text, out var at))
            return at;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var unix))
            return JsonMembers.UnixTime(unix);
        foreach (var pattern in Patterns)
        {
            if (pattern.Parse(text) is { Success: true } local)
                return context.Options.Zone.AtLeniently(local.Value).ToDateTimeOffset();
        }
        return null;
    }

    private static string RoleOf(string? role) => role?.Trim().ToLowerInvariant() switch
    {
        null or "" or "user" or "human" or "customer" or "client" or "visitor" or "end user" => "user",
        "assistant" or "bot" or "chatbot" or "ai" or "agent" or "model" or "gpt" => "assistant",
        var other => other,
    };

    private static string[] TagsOf(string? text)
    {
        if (text is null)
            return [];
        if (!text.StartsWith('['))
            return text.Split([',', ';', '|'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        try
        {
            return JsonSerializer.Deserialize<string[]>(text) ?? [];
        }
        catch (JsonException)
        {
            return [text];
        }
    }

    private static string? Texts(JsonElement parts) => string.Join("\n\n", parts.Elements()
        .Select(part => part.Text("text") ?? (part.Text("type") == "text" ? part.Text("content") : null))
        .Where(text => !string.IsNullOrEmpty(text))).NullIfEmpty();
}
