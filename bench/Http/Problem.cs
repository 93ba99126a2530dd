using System.Globalization;
using System.Text.Json;

namespace ChatLogger.Bench.Http;

/// <summary>A description of an unexpected response.</summary>
internal sealed record Problem(int Status, string Type, string Detail)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public static async Task<Problem> Of(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        try
        {
            return Of(status, await Json(response));
        }
        catch (JsonException)
        {
            return new Problem(status, "no problem document", "");
        }
    }

    /// <summary>The problem of one item of a batch.</summary>
    public static Problem Of(JsonElement problem) =>
        Of(
            problem.ValueKind == JsonValueKind.Object
            && problem.TryGetProperty("status", out var status)
            && status.TryGetInt32(out var number)
                ? number
                : 207,
            problem);

    /// <summary>The body as JSON; anything else is a <see cref="JsonException"/>.</summary>
    public static async Task<JsonElement> Json(HttpResponseMessage response) =>
        JsonElement.Parse((await response.Content.ReadAsByteArrayAsync()).AsSpan(), Strict);

    /// <summary>A string member, or null if there is no readable one.</summary>
    public static string? Text(JsonElement json, string name)
    {
        try
        {
            return
                json.ValueKind == JsonValueKind.Object
                && json.TryGetProperty(name, out var value)
                && value.ValueKind == JsonValueKind.String
                ? value.GetString()
                : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Status} {Excerpt.Of(Type)}{(Detail.Length > 0 ? $": {Excerpt.Of(Detail)}" : "")}");

    private static Problem Of(int status, JsonElement body) =>
        new(status, Text(body, "type") ?? "no type", FirstError(body) ?? Text(body, "detail") ?? Text(body, "title") ?? "");

    private static string? FirstError(JsonElement body)
    {
        if (
            body.ValueKind != JsonValueKind.Object
            || !body.TryGetProperty("errors", out var errors)
            || errors.ValueKind != JsonValueKind.Object)
            return null;
        foreach (var error in errors.EnumerateObject())
            return $"{error.Name}: "
                + $"{(error.Value.ValueKind == JsonValueKind.Array && error.Value.GetArrayLength() > 0 ? error.Value[0] : "")}";
        return null;
    }
}

internal sealed class ServiceException(string message) : Exception(message);
