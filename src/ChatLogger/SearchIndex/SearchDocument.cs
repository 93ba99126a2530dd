using System.Data.Common;
using System.Text;
using ChatLogger.Data;

namespace ChatLogger.SearchIndex;

/// <summary>
/// What a search reads as a whole, for a query must match within one document: the texts of a message, or those of a chat. A phrase does
/// not continue from one text into the next.
/// </summary>
internal static class SearchDocument
{
    /// <summary>The character between two texts; no text contains it.</summary>
    public const char Boundary = '\0';

    /// <summary>The length of the beginning of a text that is searched, in characters.</summary>
    public const int MaxCharacters = 16_384;

    /// <summary>The text of a message, and the names and arguments of its tool calls.</summary>
    public static string OfMessage(string content, string? parts, string? toolCalls)
    {
        var text = parts is null ? content : Cut(MessageText.Of(content, Encoding.UTF8.GetBytes(parts)));
        if (toolCalls is null)
            return text;
        var calls = Cut(MessageText.OfToolCalls(Encoding.UTF8.GetBytes(toolCalls)));
        return text.Length == 0 ? calls : $"{text}{Boundary}{calls}";
    }

    /// <summary>The title, the tags and the end user of a chat; empty: it has none of them.</summary>
    public static string OfChat(string? title, string[] tags, string? externalUserId) =>
        string.Join(Boundary, tags.Prepend(title).Append(externalUserId).Where(text => !string.IsNullOrEmpty(text)));

    private static string Cut(string text) => text.Beginning(MaxCharacters)!;
}

/// <summary>Reads documents from their columns.</summary>
internal static class DocumentReader
{
    /// <summary>The columns of <c>messages m</c>.</summary>
    public const string MessageColumns =
        "left(m.content, 16384) as content, case when m.content = '' then m.parts::text end as parts, m.tool_calls::text as tool_calls";

    /// <summary>The columns of <c>chats c</c>.</summary>
    public const string ChatColumns = "c.title, c.tags, c.external_user_id";

    public static string OfMessage(DbDataReader row, int column) =>
        SearchDocument.OfMessage(row.GetString(column), Text(row, column + 1), Text(row, column + 2));

    public static string OfChat(DbDataReader row, int column) =>
        SearchDocument.OfChat(Text(row, column), row.GetFieldValue<string[]>(column + 1), Text(row, column + 2));

    private static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
