using System.Buffers;
using System.Text;
using System.Text.Json;

namespace ChatLogger.Data;

/// <summary>
/// The text of a message, wherever only text can be used (search, previews, tables): its content, else the texts of its parts, with an
/// empty line in between. The text of a part is its <c>text</c>, or else its <c>content</c> if its type is <c>text</c>.
/// </summary>
internal static class MessageText
{
    /// <summary>The same in SQL, as an expression on <c>messages m</c>; null if the message has no text.</summary>
    public const string Sql =
        """
        case
            when m.content <> '' then m.content
            else (
                select string_agg(part.text, E'\n\n' order by part.no)
                from (
                    select case
                               when json_typeof(p.value -> 'text') = 'string' then p.value ->> 'text'
                               when p.value ->> 'type' = 'text' and json_typeof(p.value -> 'content') = 'string' then p.value ->> 'content'
                           end as text,
                           p.no
                    from json_array_elements(m.parts) with ordinality as p(value, no)
                ) part
                where part.text <> ''
            )
        end
        """;

    /// <summary>The text of a message; empty if it has none.</summary>
    /// <param name="content">The content; null or empty: none.</param>
    /// <param name="parts">The parts as JSON, as stored; empty: none.</param>
    public static string Of(string? content, ReadOnlySpan<byte> parts)
    {
        if (!string.IsNullOrEmpty(content) || parts.IsEmpty)
            return content ?? "";
        var text = new ArrayBufferWriter<byte>(parts.Length);
        WriteParts(text, parts);
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    /// <summary>Writes the text of parts as UTF-8.</summary>
    public static void WriteParts(IBufferWriter<byte> output, ReadOnlySpan<byte> parts)
    {
        var any = false;
        var reader = new Utf8JsonReader(parts, new JsonReaderOptions { MaxDepth = int.MaxValue });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var text = TextOfPart(ref reader);
            if (text.TokenType != JsonTokenType.String)
                continue;
            if (any)
                output.Write("\n\n"u8);
            any = true;
            Write(output, ref text);
        }
    }

    /// <summary>
    /// The names of the tools that are called and their arguments, one on a line: arguments that are a string as they are, of an object the
    /// strings and numbers in it.
    /// </summary>
    /// <param name="toolCalls">The tool calls as JSON, as stored; empty: none.</param>
    public static string OfToolCalls(ReadOnlySpan<byte> toolCalls)
    {
        if (toolCalls.IsEmpty)
            return "";
        var text = new StringBuilder();
        var reader = new Utf8JsonReader(toolCalls, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var isId = false;
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    // The members of a call have depth 2; an id inside the arguments is one of them.
                    isId = reader.CurrentDepth == 2 && reader.ValueTextEquals("id"u8);
                    break;
                case JsonTokenType.String when !isId:
                    Line(text).Append(reader.GetString());
                    break;
                case JsonTokenType.Number:
                    Line(text).Append(Encoding.UTF8.GetString(reader.ValueSpan));
                    break;
            }
        }
        return text.ToString();
    }

    private static StringBuilder Line(StringBuilder text) => text.Length > 0 ? text.Append('\n') : text;

    /// <summary>
    /// Reads the part that begins here, and returns a reader that stands at its text; at anything but a string: there is none.
    /// </summary>
    public static Utf8JsonReader TextOfPart(ref Utf8JsonReader reader)
    {
        Utf8JsonReader text = default, content = default;
        var isText = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isType, hasText, hasContent) =
                (reader.ValueTextEquals("type"u8), reader.ValueTextEquals("text"u8), reader.ValueTextEquals("content"u8));
            reader.Read();
            if (reader.TokenType == JsonTokenType.String)
            {
                if (isType)
                    isText = reader.ValueTextEquals("text"u8);
                else if (hasText)
                    text = reader;
                else if (hasContent)
                    content = reader;
            }
            reader.Skip();
        }
        var found = text.TokenType == JsonTokenType.String || !isText ? text : content;
        return found.ValueSpan.IsEmpty ? default : found;
    }

    /// <summary>Writes the string at which the reader stands, without its escapes.</summary>
    public static void Write(IBufferWriter<byte> output, ref Utf8JsonReader text)
    {
        if (text.ValueIsEscaped)
            output.Advance(text.CopyString(output.GetSpan(text.ValueSpan.Length)));
        else
            output.Write(text.ValueSpan);
    }
}
