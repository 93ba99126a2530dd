using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ChatLogger.Data;

namespace ChatLogger.Http;

/// <summary>Explains to the caller why a body or query does not match its shape, without echoing the input.</summary>
internal static class JsonDiagnosis
{
    /// <summary>
    /// Explains why reading <paramref name="json"/> as a <paramref name="shape"/> failed with <paramref name="failure"/>.
    /// </summary>
    public static ProblemException Explain(ReadOnlySpan<byte> json, JsonTypeInfo shape, JsonException failure)
    {
        var known = shape.Properties.ToDictionary(property => property.Name);
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = shape.Options.MaxDepth });
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
                return ProblemException.Validation(ProblemException.BodyPath, "The body must be a JSON object.");
            var seen = new HashSet<string>();
            ProblemException? found = null;
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1)
                    continue;
                var name = reader.GetString()!;
                if (!known.ContainsKey(name))
                    found ??= Unknown(ProblemException.BodyPath, known.Keys);
                else if (!seen.Add(name))
                    found ??= ProblemException.Validation(name, "Given more than once.");
            }
            if (found is not null)
                return found;
        }
        catch (JsonException)
        {
            return NotJson(json);
        }
        catch (InvalidOperationException)
        {
            return ProblemException.Validation(ProblemException.BodyPath, "The name of a member is not text.");
        }

        // Valid JSON with known members only, so one member has the wrong type. The path begins with "$.".
        var path = failure.Path is ['$', '.', .. var rest] ? rest : "";
        var end = path.AsSpan().IndexOfAny('.', '[');
        var member = end < 0 ? path : path[..end];
        if (!known.TryGetValue(member, out var property))
            return ProblemException.Validation(ProblemException.BodyPath, "The body does not have the expected shape.");
        return Within(end < 0 ? "" : path[end..], member, shape.Options.GetTypeInfo(property.PropertyType), path);
    }

    // Follows the path into nested objects and arrays. The error does not echo an unknown member, because the caller chose its name.
    private static ProblemException Within(ReadOnlySpan<char> rest, string at, JsonTypeInfo shape, string path)
    {
        while (rest.Length > 0)
        {
            var length = rest[1..].IndexOfAny('.', '[') is var end and >= 0 ? end + 1 : rest.Length;
            var step = rest[..length].ToString();
            rest = rest[length..];
            if (shape.Kind == JsonTypeInfoKind.Enumerable && step[0] == '[' && shape.ElementType is { } element)
                shape = shape.Options.GetTypeInfo(element);
            else if (shape.Kind == JsonTypeInfoKind.Object && shape.Properties.FirstOrDefault(each => each.Name == step[1..]) is { } known)
                shape = shape.Options.GetTypeInfo(known.PropertyType);
            else if (shape.Kind == JsonTypeInfoKind.Object)
                return Unknown(at, shape.Properties.Select(property => property.Name));
            else if (shape.Kind == JsonTypeInfoKind.Dictionary)
                return ProblemException.Validation(at, "Has a value of the wrong type.");
            else
                return ProblemException.Validation(Printable(path, at), "Has the wrong type.");
            at += step;
        }
        return ProblemException.Validation(at, shape.Kind == JsonTypeInfoKind.Enumerable ? "Must be an array." : Expected(shape.Type));
    }

    /// <summary>
    /// Reports where the text stops being JSON, as line and byte within it, both counted from 1; or that it nests too deep.
    /// </summary>
    public static ProblemException NotJson(ReadOnlySpan<byte> json)
    {
        if (json.Trim(" \t\r\n"u8).IsEmpty)
            return ProblemException.Validation(ProblemException.BodyPath, "The body is empty; a JSON object is expected.");
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
            while (reader.Read())
            {
            }
        }
        catch (JsonException failure)
        {
            return ProblemException.Validation(
                ProblemException.BodyPath,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"This is not valid JSON: see line {failure.LineNumber + 1}, byte {failure.BytePositionInLine + 1}."));
        }
        return ProblemException.Validation(ProblemException.BodyPath, $"This nests deeper than {Json.MaxDepth} levels.");
    }

    private static ProblemException Unknown(string path, IEnumerable<string> known) =>
        ProblemException.Validation(path, $"There is a member that is not known here. Known are: {string.Join(", ", known)}.");

    /// <summary>
    /// Returns the known top-level member whose value contains the byte at <paramref name="offset"/>; else the path of the whole body.
    /// </summary>
    public static string MemberAt(ReadOnlySpan<byte> json, int offset, JsonTypeInfo shape)
    {
        var member = ProblemException.BodyPath;
        try
        {
            var reader = new Utf8JsonReader(json);
            while (reader.Read() && reader.TokenStartIndex <= offset)
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
                {
                    var name = Name(ref reader);
                    member = shape.Properties.FirstOrDefault(property => property.Name == name)?.Name ?? ProblemException.BodyPath;
                }
            }
        }
        catch (JsonException)
        {
            // The rest is not JSON; the member found so far is good enough.
        }
        return member;
    }

    /// <summary>Returns the path when it consists only of member names and indexes; otherwise the fallback.</summary>
    private static string Printable(string path, string fallback) =>
        path.Length <= 100 && path.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '[' or ']') ? path : fallback;

    private static string? Name(ref Utf8JsonReader reader)
    {
        // A lone surrogate cannot be decoded to a string.
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static string Expected(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return "Must be a string.";
        if (type == typeof(int) || type == typeof(long))
            return "Must be a whole number.";
        if (type == typeof(decimal) || type == typeof(double))
            return "Must be a number.";
        if (type == typeof(bool))
            return "Must be true or false.";
        if (type == typeof(Guid))
            return "Must be an id: lower case, with hyphens.";
        if (type == typeof(DateTimeOffset))
            return "Must be a time such as 2026-11-01T12:00:00Z (RFC 3339).";
        return type.IsArray || type == typeof(RawJsonArray) ? "Must be an array." : "Must be an object.";
    }
}
