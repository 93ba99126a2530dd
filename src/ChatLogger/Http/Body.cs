using System.Buffers;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Http;

/// <summary>
/// A request's JSON body, read the only way a body is read here: within the limit of its route, as valid text that the database can hold, and
/// strictly in the shape of <typeparamref name="T"/>. Anything else is a 400 with <c>errors</c> before the slice is reached.
/// </summary>
internal sealed class Body<T> : IEndpointParameterMetadataProvider
    where T : class
{
    private static readonly JsonTypeInfo<T> Shape = (JsonTypeInfo<T>)Json.Options.GetTypeInfo(typeof(T));

    private Body(T value) => Value = value;

    public T Value { get; }

    public static async ValueTask<Body<T>> BindAsync(HttpContext context)
    {
        var limit = BodyLimit.Of(context);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            // The server counts the framing of chunks too: six bytes for a chunk of one. What the body itself may have is counted below.
            size.MaxRequestBodySize = context.Request.ContentLength is null ? 8L * limit : limit;
        }

        var reader = context.Request.BodyReader;
        var buffer = await ReadAll(context, limit);
        try
        {
            return new(Parse(buffer));
        }
        finally
        {
            reader.AdvanceTo(buffer.End);
        }
    }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) => builder.Metadata.Add(new BodyShape(typeof(T)));

    private static async ValueTask<ReadOnlySequence<byte>> ReadAll(HttpContext context, int limit)
    {
        var reader = context.Request.BodyReader;
        var deadline = context.Features.Get<Deadline>();
        var waiting = false;
        try
        {
            while (true)
            {
                // Nearly always the body came with the head, and nobody has to wait.
                if (!reader.TryRead(out var result))
                {
                    if (!waiting)
                        deadline?.Pause(context.RequestServices.GetRequiredService<ServerSettings>().BodyTimeout);
                    waiting = true;
                    result = await reader.ReadAsync(context.RequestAborted);
                }
                if (result.Buffer.Length > limit)
                {
                    reader.AdvanceTo(result.Buffer.End);
                    throw Problem.BodyTooLarge(limit);
                }
                if (result.IsCompleted)
                    return result.Buffer;
                reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }
        }
        catch (BadHttpRequestException exception) when (exception.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw Problem.BodyTooLarge(limit);
        }
        // A chunk's length that overflows.
        catch (IOException exception) when (exception is not BadHttpRequestException && !Deadline.CallerIsGone(context))
        {
            throw Problem.Malformed();
        }
        catch (OperationCanceledException) when (!Deadline.CallerIsGone(context))
        {
            context.Response.Headers.Connection = "close";
            throw Problem.RequestTimeout();
        }
        finally
        {
            if (waiting)
                deadline?.Resume();
        }
    }

    private static T Parse(ReadOnlySequence<byte> buffer)
    {
        if (buffer.IsSingleSegment)
            return Parse(buffer.FirstSpan);
        var whole = ArrayPool<byte>.Shared.Rent((int)buffer.Length);
        try
        {
            buffer.CopyTo(whole);
            return Parse(whole.AsSpan(0, (int)buffer.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    private static T Parse(ReadOnlySpan<byte> json)
    {
        if (TextSafety.Check(json) is var (sentence, offset))
            throw Problem.Validation(JsonDiagnosis.MemberAt(json, offset, Shape), sentence);
        try
        {
            return JsonSerializer.Deserialize(json, Shape) ?? throw Problem.Validation(Problem.BodyPath, "The body must be a JSON object.");
        }
        catch (JsonException exception)
        {
            throw JsonDiagnosis.Explain(json, Shape, exception);
        }
    }
}

/// <summary>Tells routing and the OpenAPI document that an endpoint reads a JSON body of this type through <see cref="Body{T}"/>.</summary>
internal sealed class BodyShape(Type type) : IAcceptsMetadata
{
    public Type RequestType => type;

    public IReadOnlyList<string> ContentTypes { get; } = ["application/json"];

    public bool IsOptional => false;
}

/// <summary>How large an endpoint's body may be, where it is not <see cref="Limits.BodyBytes"/>.</summary>
internal sealed class BodyLimit(Func<Limits, int> choose)
{
    public static int Of(HttpContext context)
    {
        var limits = context.RequestServices.GetRequiredService<Limits>();
        return context.GetEndpoint()?.Metadata.GetMetadata<BodyLimit>()?.Bytes(limits) ?? limits.BodyBytes;
    }

    private int Bytes(Limits limits) => choose(limits);
}
