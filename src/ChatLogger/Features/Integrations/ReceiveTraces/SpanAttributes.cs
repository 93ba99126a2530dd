using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>
/// The attributes of a span or of an event: strings, some of them as a string in JSON that is not read yet, booleans, numbers, and JSON for
/// what is structured.
/// </summary>
internal sealed class SpanAttributes(Dictionary<string, object> values)
{
    public static readonly SpanAttributes None = new([]);

    public IEnumerable<string> Names => values.Keys;

    /// <summary>The first of these attributes that is a string with something in it.</summary>
    public string? Text(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (values.GetValueOrDefault(name) is string { Length: > 0 } text)
                return text;
            if (values.GetValueOrDefault(name) is JsonElement { ValueKind: JsonValueKind.String } json && !json.ValueEquals(""))
                return json.GetString();
        }
        return null;
    }

    /// <summary>The first of these attributes that is a number, not negative.</summary>
    public int? Count(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (values.GetValueOrDefault(name) is long and >= 0 and <= int.MaxValue and var whole)
                return (int)(long)whole;
            if (values.GetValueOrDefault(name) is double and >= 0 and <= int.MaxValue and var number)
                return (int)Math.Round((double)number);
        }
        return null;
    }

    /// <summary>The first of these attributes that is there, as JSON: a string with JSON in it is that JSON, any other a string.</summary>
    public JsonElement Json(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            switch (values.GetValueOrDefault(name))
            {
                case JsonElement { ValueKind: JsonValueKind.String } text when !text.ValueEquals(""):
                    return ForeignMessages.Parsed(text) ?? text.Clone();
                case JsonElement { ValueKind: not JsonValueKind.String } json:
                    return json;
                case string { Length: > 0 } text:
                    return ForeignMessages.Parsed(text) ?? JsonElement.Parse(MetadataBuilder.JsonText(text));
            }
        }
        return default;
    }

    /// <summary>
    /// Strings, from an array of them or from a string with an array or with one of them; none where one has half of a surrogate pair.
    /// </summary>
    public IEnumerable<string> Texts(params ReadOnlySpan<string> names)
    {
        var json = Json(names);
        if (!json.IsGiven())
            return [];
        try
        {
            return json.ValueKind == JsonValueKind.String ? [json.GetString()!]
                : [.. json.Elements().Where(each => each.ValueKind == JsonValueKind.String).Select(each => each.GetString()!)];
        }
        catch (InvalidOperationException)
        {
            return [];
        }
    }
}
