using System.Buffers;
using System.Text;
using System.Text.Json;
using ChatLogger.Data;
using ChatLogger.Telemetry.Logs;

namespace ChatLogger.Redaction;

/// <summary>
/// Redacts the strings of JSON, and the names of members; the rest stays as it was sent, byte for byte. A string that is JSON itself, as
/// the arguments of a tool call often are, is JSON afterwards, too.
/// </summary>
internal static class JsonRedaction
{
    /// <summary>How deep JSON in a string of JSON is looked at as JSON.</summary>
    private const int MaxNesting = 4;

    private static readonly JsonReaderOptions Reading = new() { MaxDepth = 1_000 };

    private static readonly JsonSerializerOptions Quoting = new() { Encoder = MinimalJsonEncoder.Instance };

    /// <summary>What of the JSON is redacted.</summary>
    internal enum Scope
    {
        /// <summary>Every string.</summary>
        All,

        /// <summary>Every string and name but <c>type</c> of the parts, and its value, which say what a part is.</summary>
        Parts,

        /// <summary>What is below the member <c>arguments</c> of each call.</summary>
        ToolCalls,
    }

    public static RawJsonObject Redact(this Redactor redactor, RawJsonObject json) =>
        Redact(json.Utf8.Span, redactor, Scope.All, 0) is { } redacted ? RawJsonObject.FromStored(redacted) : json;

    public static RawJsonArray? Redact(this Redactor redactor, RawJsonArray? json, Scope scope) =>
        json is not null && Redact(json.Utf8.Span, redactor, scope, 0) is { } redacted ? RawJsonArray.FromStored(redacted) : json;

    /// <summary>Redacts text that may be JSON: an object or array stays one.</summary>
    public static string RedactTextOrJson(this Redactor redactor, string text) => Redact(text, redactor, 0);

    private static string Redact(string text, Redactor redactor, int nesting)
    {
        if (nesting < MaxNesting && LooksLikeJson(text))
        {
            try
            {
                return Redact(Encoding.UTF8.GetBytes(text), redactor, Scope.All, nesting + 1) is { } redacted
                    ? Encoding.UTF8.GetString(redacted)
                    : text;
            }
            catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
            {
            }
        }
        return redactor.Redact(text);
    }

    private static bool LooksLikeJson(string text)
    {
        var trimmed = text.AsSpan().Trim(" \t\r\n");
        return trimmed is ['{', .., '}'] or ['[', .., ']'];
    }

    // Null: nothing was found.
    private static byte[]? Redact(ReadOnlySpan<byte> json, Redactor redactor, Scope scope, int nesting)
    {
        var reader = new Utf8JsonReader(json, Reading);
        var written = default(ArrayBufferWriter<byte>);
        var names = new Stack<HashSet<string>>();
        var (copied, member) = (0, default(string));
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    names.Push(new(StringComparer.Ordinal));
                    continue;
                case JsonTokenType.EndObject:
                    names.Pop();
                    continue;
                case not (JsonTokenType.PropertyName or JsonTokenType.String):
                    continue;
            }
            var text = reader.GetString()!;
            var isName = reader.TokenType == JsonTokenType.PropertyName;
            if (isName && reader.CurrentDepth == 2)
                member = text;
            var redacted = IsMeant(scope, isName, reader.CurrentDepth, member)
                ? isName ? redactor.Redact(text) : Redact(text, redactor, nesting)
                : text;
            if (isName)
                redacted = Unused(names.Peek(), redacted);
            if (redacted == text)
                continue;
            written ??= new(json.Length + 64);
            written.Write(json[copied..(int)reader.TokenStartIndex]);
            written.Write(JsonSerializer.SerializeToUtf8Bytes(redacted, Quoting));
            copied = (int)reader.TokenStartIndex + reader.ValueSpan.Length + 2;
        }
        if (written is null)
            return null;
        written.Write(json[copied..]);
        return written.WrittenSpan.ToArray();
    }

    // In an array of objects, the members of these have the depth 2.
    private static bool IsMeant(Scope scope, bool isName, int depth, string? member) => scope switch
    {
        Scope.Parts => depth != 2 || member != "type",
        Scope.ToolCalls => member == "arguments" && !(isName && depth == 2),
        _ => true,
    };

    // Two members that are called the same afterwards would be one for many readers.
    private static string Unused(HashSet<string> names, string name)
    {
        var unused = name;
        for (var number = 2; !names.Add(unused); number++)
            unused = $"{name} {number}";
        return unused;
    }
}
