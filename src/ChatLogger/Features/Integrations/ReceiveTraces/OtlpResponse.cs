using System.Reflection;
using System.Text.Json;
using ChatLogger.Features.Otlp;
using ChatLogger.Http;
using Google.Protobuf;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Features;

/// <summary>The answer to an export, in the type of the request.</summary>
internal sealed class OtlpResponse(ReceiveTraces.Response answer) : IResult, IEndpointMetadataProvider
{
    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(
            new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(ReceiveTraces.Response), ["application/json"]));

    public async Task ExecuteAsync(HttpContext context)
    {
        byte[] body;
        if (OtlpBody.IsProtobuf(context.Request))
        {
            context.Response.ContentType = OtlpBody.Protobuf;
            var response = new ExportResponse();
            if (answer.PartialSuccess is { } partial)
                response.PartialSuccess = new() { RejectedSpans = partial.RejectedSpans, ErrorMessage = partial.ErrorMessage };
            body = response.ToByteArray();
        }
        else
        {
            context.Response.ContentType = "application/json";
            // Members that say nothing are left out, and 64-bit numbers are strings, as in the JSON of protobuf.
            body = answer.PartialSuccess is { } partial
                ? JsonSerializer.SerializeToUtf8Bytes(
                    new Dictionary<string, Dictionary<string, string>>
                    {
                        ["partialSuccess"] = new()
                        {
                            ["rejectedSpans"] = $"{partial.RejectedSpans}",
                            ["errorMessage"] = partial.ErrorMessage,
                        },
                    },
                    Json.Options)
                : "{}"u8.ToArray();
        }
        context.Response.ContentLength = body.Length;
        // The response is sent even after the deadline: what it says is written.
        await context.Response.Body.WriteAsync(body, CancellationToken.None);
    }
}

/// <summary>Errors as <c>google.rpc.Status</c>, in the type of the request.</summary>
internal sealed class OtlpErrors : IProblemFormat
{
    public string Write(HttpContext context, ProblemException problem, Stream body)
    {
        var status = new RpcStatus { Code = Code(problem.Type.Status), Message = ForeignErrors.Sentence(problem) };
        if (OtlpBody.IsProtobuf(context.Request))
        {
            status.WriteTo(body);
            return OtlpBody.Protobuf;
        }
        using var json = new Utf8JsonWriter(body, new JsonWriterOptions { Encoder = Json.Encoder });
        json.WriteStartObject();
        json.WriteNumber("code", status.Code);
        json.WriteString("message", status.Message);
        json.WriteEndObject();
        return "application/json";
    }

    // The codes of gRPC that stand for these statuses.
    private static int Code(int status) => status switch
    {
        400 or 413 or 415 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        408 => 4,
        429 => 8,
        503 => 14,
        _ => 13,
    };
}
