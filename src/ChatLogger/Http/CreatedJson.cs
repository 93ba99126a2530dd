using System.Buffers;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Http;

/// <summary>
/// A 201 with the created resource. It is written in one piece with a Content-Length, whereas the framework's result is chunked and uses an
/// asynchronous serializer; the busiest routes use this class.
/// </summary>
internal sealed class CreatedJson<T>(string location, T value) : IResult, IEndpointMetadataProvider
{
    // Larger buffers are rarely needed and not pooled.
    private const int MaxPooledBytes = 64 * 1024;

    private static readonly JsonTypeInfo<T> Shape = (JsonTypeInfo<T>)Json.Options.GetTypeInfo(typeof(T));

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _json;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = StatusCodes.Status201Created;
        response.Headers.Location = location;
        response.ContentType = "application/json; charset=utf-8";

        // Takes the thread's cached buffer out of its field while in use: if writing fails, no later request finds a half-written buffer.
        var (buffer, json) = (_buffer ?? new(2_048), _json);
        (_buffer, _json) = (null, null);
        json ??= new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = Json.Encoder, SkipValidation = true });
        JsonSerializer.Serialize(json, value, Shape);
        json.Flush();
        response.ContentLength = buffer.WrittenCount;
        response.BodyWriter.Write(buffer.WrittenSpan);
        if (buffer.Capacity <= MaxPooledBytes)
        {
            buffer.ResetWrittenCount();
            json.Reset();
            (_buffer, _json) = (buffer, json);
        }
        return Task.CompletedTask;
    }

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status201Created, typeof(T), ["application/json"]));
}
