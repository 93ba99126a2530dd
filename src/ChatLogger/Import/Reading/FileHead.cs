using System.Text.Json;

namespace ChatLogger.Import;

/// <summary>What the beginning of a JSON file tells of the whole.</summary>
internal static class FileHead
{
    /// <summary>How much of a file is looked at.</summary>
    public const int Size = 256 * 1024;

    /// <summary>
    /// Whether the file is JSON Lines: one of its first lines is an object by itself, or there is only one line and no array around it.
    /// </summary>
    public static bool IsLines(ReadOnlySpan<byte> head)
    {
        head = WithoutByteOrderMark(head);
        var first = head.IndexOfAnyExcept(" \t\r\n"u8);
        if (first < 0 || head[first] == '[')
            return false;
        for (var line = 0; line < 5 && !head.IsEmpty; line++)
        {
            var end = head.IndexOf((byte)'\n');
            if (IsObject(end < 0 ? head : head[..end]))
                return true;
            if (end < 0)
                return line == 0;
            head = head[(end + 1)..];
        }
        return false;
    }

    /// <summary>
    /// The names of the members of the first object of the file, as far as it has been read. Those of objects within are not among them.
    /// </summary>
    public static HashSet<string> Members(ReadOnlySpan<byte> head)
    {
        var names = new HashSet<string>();
        var reader = new Utf8JsonReader(WithoutByteOrderMark(head), isFinalBlock: false, default);
        try
        {
            var depth = -1;
            while (reader.Read())
            {
                if (depth < 0 && reader.TokenType == JsonTokenType.StartObject)
                    depth = reader.CurrentDepth;
                else if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == depth + 1)
                    names.Add(reader.GetString()!);
                else if (reader.TokenType == JsonTokenType.EndObject && reader.CurrentDepth == depth)
                    break;
            }
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // What was read until then may be enough.
        }
        return names;
    }

    private static bool IsObject(ReadOnlySpan<byte> line)
    {
        if (line.IndexOfAnyExcept(" \t\r"u8) is not (>= 0 and var start) || line[start] != '{')
            return false;
        try
        {
            var reader = new Utf8JsonReader(line);
            while (reader.Read())
            {
            }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static ReadOnlySpan<byte> WithoutByteOrderMark(ReadOnlySpan<byte> head) =>
        head is [0xEF, 0xBB, 0xBF, ..] ? head[3..] : head;
}
