using System.Buffers;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Http;

/// <summary>
/// A 201 with the thing that was made. Written in one piece with its length, where the framework's own goes out in chunks and by way of an
/// asynchronous serializer; the busiest routes answer with it.
/// </summary>
internal sealed class CreatedJson<T>(string location, T value) : IResult, IEndpointMetadataProvider
{
    // What is larger is rare, and not kept.
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

        // The thread's own, and taken away from it meanwhile: should writing fail, nobody finds half of it there.
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
