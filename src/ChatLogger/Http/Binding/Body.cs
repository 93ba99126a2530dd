using System.Buffers;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Http;

/// <summary>
/// A request's JSON body. It is read within the limit of its route, must be valid text that the database can store, and must match
/// <typeparamref name="T"/> strictly. Anything else is a 400 with <c>errors</c> before the slice runs.
/// </summary>
internal sealed class Body<T> : IEndpointParameterMetadataProvider
    where T : class
{
    private static readonly JsonTypeInfo<T> Shape = (JsonTypeInfo<T>)Json.Options.GetTypeInfo(typeof(T));

    private Body(T value, BodyHash? hash) => (Value, Hash) = (value, hash);

    public T Value { get; }

    /// <summary>The hash of the bytes as sent; null unless the request has an Idempotency-Key, which needs it.</summary>
    public BodyHash? Hash { get; }

    public static async ValueTask<Body<T>> BindAsync(HttpContext context)
    {
        var buffer = await BodyReader.Read(context);
        try
        {
            return new(Parse(buffer), IdempotencyKey.IsIn(context) ? HashOf(buffer, context) : null);
        }
        finally
        {
            context.Request.BodyReader.AdvanceTo(buffer.End);
        }
    }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) => builder.Metadata.Add(new BodyShape(typeof(T)));

    private static BodyHash HashOf(ReadOnlySequence<byte> buffer, HttpContext context)
    {
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in buffer)
            sha256.AppendData(segment.Span);
        return context.RequestServices.GetRequiredService<BodyHashes>().Of(sha256.GetHashAndReset());
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

    private static T Parse(ReadOnlySpan<byte> body)
    {
        var json = Json.WithoutByteOrderMark(body);
        if (TextSafety.Check(json) is var (sentence, offset))
            throw ProblemException.Validation(JsonDiagnosis.MemberAt(json, offset, Shape), sentence);
        try
        {
            return JsonSerializer.Deserialize(json, Shape)
                ?? throw ProblemException.Validation(ProblemException.BodyPath, "The body must be a JSON object.");
        }
        catch (JsonException exception)
        {
            throw JsonDiagnosis.Explain(json, Shape, exception);
        }
    }
}

/// <summary>
/// Tells routing and the OpenAPI document that an endpoint reads a body of this type: JSON through <see cref="Body{T}"/>, or what an
/// integration takes.
/// </summary>
internal sealed class BodyShape(Type type, params string[] contentTypes) : IAcceptsMetadata
{
    public Type RequestType => type;

    public IReadOnlyList<string> ContentTypes { get; } = contentTypes.Length == 0 ? ["application/json"] : contentTypes;

    public bool IsOptional => false;
}

/// <summary>The body limit of an endpoint that differs from <see cref="Limits.BodyBytes"/>.</summary>
internal sealed class BodyLimit(Func<Limits, int> choose)
{
    public static int Of(HttpContext context)
    {
        var limits = context.RequestServices.GetRequiredService<Limits>();
        return context.GetEndpoint()?.Metadata.GetMetadata<BodyLimit>()?.Bytes(limits) ?? limits.BodyBytes;
    }

    private int Bytes(Limits limits) => choose(limits);
}

/// <summary>Marks an endpoint that accepts gzip bodies. Its limit applies to the compressed and to the decompressed size.</summary>
internal sealed class GzipAllowed;

/// <summary>
/// The possible shapes of the items of a list in an endpoint's body: an item's member <c>type</c> tells which shape it has.
/// </summary>
internal sealed class ItemShapes(string list, params (string Name, Type Type)[] types)
{
    /// <summary>The body's member that holds the list.</summary>
    public string List => list;

    public IReadOnlyList<(string Name, Type Type)> Types => types;
}
