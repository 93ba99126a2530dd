using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Http;

/// <summary>
/// A request's query string, read as strictly as a body: only known names, each once (arrays repeat it), with values of the type of
/// <typeparamref name="T"/>'s member. Anything else is a 400 with <c>errors</c>.
/// </summary>
internal sealed class Query<T> : IEndpointParameterMetadataProvider
    where T : class
{
    private static readonly JsonTypeInfo<T> Shape = (JsonTypeInfo<T>)Json.Options.GetTypeInfo(typeof(T));

    private Query(T value) => Value = value;

    public T Value { get; }

    public static ValueTask<Query<T>> BindAsync(HttpContext context) =>
        ValueTask.FromResult(new Query<T>(Parse(QueryText.Read(context.Request.QueryString.Value))));

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new QueryShape(typeof(T)));

    // Converts the query to the equivalent JSON object and deserializes that.
    private static T Parse(IReadOnlyList<(string Name, string Value)> query)
    {
        foreach (var (name, _) in query)
        {
            var property = Shape.Properties.FirstOrDefault(property => property.Name == name)
                ?? throw ProblemException.Validation(
                    ProblemException.QueryPath,
                    "There is a parameter that is not known here. Known are: "
                        + $"{string.Join(", ", Shape.Properties.Select(known => known.Name))}."
                );
            if (!property.PropertyType.IsArray && query.Count(other => other.Name == name) > 1)
                throw ProblemException.Validation(name, "Given more than once.");
        }

        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var values in query.GroupBy(parameter => parameter.Name))
            {
                var type = Shape.Properties.First(property => property.Name == values.Key).PropertyType;
                json.WritePropertyName(values.Key);
                if (type.IsArray)
                {
                    json.WriteStartArray();
                    foreach (var (_, value) in values)
                        json.WriteStringValue(value);
                    json.WriteEndArray();
                }
                else if ((Nullable.GetUnderlyingType(type) ?? type) == typeof(int) && IsInteger(values.First().Value))
                {
                    json.WriteRawValue(values.First().Value);
                }
                else
                {
                    json.WriteStringValue(values.First().Value);
                }
            }
            json.WriteEndObject();
        }

        var bytes = buffer.GetBuffer().AsSpan(0, (int)buffer.Length);
        try
        {
            return JsonSerializer.Deserialize(bytes, Shape)!;
        }
        catch (JsonException exception)
        {
            throw JsonDiagnosis.Explain(bytes, Shape, exception);
        }
    }

    // The JSON syntax of integers: no plus sign, no leading zero.
    private static bool IsInteger(string text)
    {
        var digits = text.AsSpan().TrimStart('-');
        return text.Length - digits.Length <= 1 && digits.Length is > 0 and < 12 && !digits.ContainsAnyExceptInRange('0', '9')
            && (digits[0] != '0' || digits.Length == 1);
    }
}

/// <summary>Tells the query check and the OpenAPI document which parameters an endpoint takes.</summary>
internal sealed record QueryShape(Type Type);

/// <summary>Marks an endpoint that ignores unknown parameters: health probes add some to bypass caches.</summary>
internal sealed class AllowsAnyQuery;

/// <summary>Decodes a query string without replacing invalid text.</summary>
internal static class QueryText
{
    /// <summary>Rejects every parameter at an endpoint that takes none.</summary>
    public static Task Guard(HttpContext context, RequestDelegate next)
    {
        if (context.Request.QueryString.HasValue && context.GetEndpoint() is RouteEndpoint endpoint
            && endpoint.Metadata.GetMetadata<QueryShape>() is null && endpoint.Metadata.GetMetadata<AllowsAnyQuery>() is null
            && Read(context.Request.QueryString.Value).Count > 0)
            throw ProblemException.Validation(ProblemException.QueryPath, "This request takes no query parameters.");
        return next(context);
    }

    public static List<(string Name, string Value)> Read(string? query)
    {
        var pairs = new List<(string, string)>();
        foreach (var part in (query ?? "").TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=');
            pairs.Add(equals < 0 ? (Decode(part), "") : (Decode(part[..equals]), Decode(part[(equals + 1)..])));
        }
        return pairs;
    }

    private static string Decode(string text)
    {
        var bytes = new List<byte>(text.Length);
        var encoded = Encoding.UTF8.GetBytes(text);
        for (var i = 0; i < encoded.Length; i++)
        {
            if (encoded[i] == (byte)'+')
            {
                bytes.Add((byte)' ');
            }
            else if (encoded[i] != (byte)'%')
            {
                bytes.Add(encoded[i]);
            }
            else if (i + 2 < encoded.Length && char.IsAsciiHexDigit((char)encoded[i + 1]) && char.IsAsciiHexDigit((char)encoded[i + 2]))
            {
                bytes.Add(byte.Parse(encoded.AsSpan(i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                i += 2;
            }
            else
            {
                throw NotText();
            }
        }

        try
        {
            var value = Strict.GetString([.. bytes]);
            return value.Contains('\0', StringComparison.Ordinal) ? throw NotText() : value;
        }
        catch (DecoderFallbackException)
        {
            throw NotText();
        }
    }

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static ProblemException NotText() =>
        ProblemException.Validation(ProblemException.QueryPath, "The query string is not percent-encoded UTF-8 text.");
}
