using System.Globalization;
using System.Text.Json;
using ChatLogger.Http;

namespace ChatLogger.Transcripts;

/// <summary>Reads the members of foreign JSON. What is absent, null or of another type is null: their formats change.</summary>
internal static class JsonMembers
{
    /// <summary>Unix times from here on are in milliseconds, microseconds or nanoseconds.</summary>
    private const double LatestInSeconds = 1e11;

    public static JsonElement Get(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? value
            : default;

    public static JsonElement Get(this JsonElement json, string name, JsonValueKind kind) =>
        json.Get(name) is var value && value.ValueKind == kind ? value : default;

    public static bool IsGiven(this JsonElement json) => json.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    public static string? Text(this JsonElement json, string name) =>
        json.Get(name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    /// <summary>The first of these members that is a string with something in it.</summary>
    public static string? AnyText(this JsonElement json, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (json.Text(name) is { Length: > 0 } text)
                return text;
        }
        return null;
    }

    /// <summary>The elements of an array; nothing if there is none.</summary>
    public static IEnumerable<JsonElement> Elements(this JsonElement json, string name) => json.Get(name).Elements();

    public static IEnumerable<JsonElement> Elements(this JsonElement json) =>
        json.ValueKind == JsonValueKind.Array ? json.EnumerateArray() : [];

    /// <summary>A number that is not negative, rounded.</summary>
    public static int? Count(this JsonElement json, string name, double scale = 1) =>
        json.Get(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetDouble(out var value)
        && value * scale is >= 0 and <= int.MaxValue
            ? (int)Math.Round(value * scale)
            : null;

    /// <summary>A time in RFC 3339, with or without an offset (then UTC), or as a Unix time of any unit.</summary>
    public static DateTimeOffset? Time(this JsonElement json, string name) => Time(json.Get(name));

    public static DateTimeOffset? Time(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => Time(value.GetString()!),
        JsonValueKind.Number when value.TryGetDouble(out var number) => UnixTime(number),
        _ => null,
    };

    public static DateTimeOffset? Time(string text) =>
        Rfc3339.TryParse(text, out var at) ? at
        : DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out at) ? at
        : null;

    public static DateTimeOffset? UnixTime(double number)
    {
        // Of a number that is too large, infinity is read, which no division makes smaller.
        if (!double.IsFinite(number))
            return null;
        while (number >= LatestInSeconds)
            number /= 1000;
        return number > 0 ? DateTimeOffset.UnixEpoch.AddMilliseconds(Math.Floor((number * 1000) + 0.0001)) : null;
    }
}
