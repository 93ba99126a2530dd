using System.Text.Json;
using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>Errors as the SDKs of Langfuse and Lunary expect them: an object with a message.</summary>
internal sealed class ForeignErrors : IProblemFormat
{
    public string Write(HttpContext context, ProblemException problem, Stream body)
    {
        using var json = new Utf8JsonWriter(body, new JsonWriterOptions { Encoder = Json.Encoder });
        json.WriteStartObject();
        json.WriteString("error", problem.Type.Title);
        json.WriteString("message", Sentence(problem));
        json.WriteEndObject();
        return "application/json";
    }

    /// <summary>What was wrong, in one line.</summary>
    public static string Sentence(ProblemException problem) => problem.Errors is { } errors
        ? string.Join(" ", errors.Select(error => $"{error.Key}: {string.Join(" ", error.Value)}"))
        : problem.Message;
}
