using System.Reflection;
using System.Text.Json;
using ChatLogger.Http;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Features;

/// <summary>The 207 response: a result for each item, in the order of the items.</summary>
internal sealed class BatchResponse(WriteBatch.Result[] results) : IResult, IEndpointMetadataProvider
{
    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(
            new ProducesResponseTypeMetadata(StatusCodes.Status207MultiStatus, typeof(WriteBatch.Response), ["application/json"]));

    public async Task ExecuteAsync(HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status207MultiStatus;
        response.ContentType = "application/json; charset=utf-8";
        var traceId = ProblemWriter.TraceId(context);
        using (
            var json = new Utf8JsonWriter(response.BodyWriter, new JsonWriterOptions { Encoder = Json.Encoder, SkipValidation = true }))
        {
            json.WriteStartObject();
            json.WriteStartArray("results");
            foreach (var result in results)
                Write(json, result, traceId);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        // The token is not passed: the response is sent even after the deadline, because some of the items may have been written in
        // time.
        await response.BodyWriter.FlushAsync(CancellationToken.None);
    }

    private static void Write(Utf8JsonWriter json, WriteBatch.Result result, string traceId)
    {
        json.WriteStartObject();
        json.WriteNumber("index", result.Index);
        json.WriteNumber("status", result.Status);
        if (result.Id is { } id)
            json.WriteString("id", id);
        else
            json.WriteNull("id");
        json.WriteBoolean("replayed", result.Replayed);
        json.WritePropertyName("problem");
        if (result.Problem is { } problem)
            ProblemWriter.Write(json, problem, traceId);
        else
            json.WriteNullValue();
        json.WriteEndObject();
    }
}
