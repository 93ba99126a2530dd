using System.Reflection;
using System.Text;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Http;

/// <summary>
/// The header <c>Idempotency-Key</c>: 1 to 255 printable ASCII characters, bare or as an RFC 8941 string, which denote the same key. Null
/// when the header is absent; a malformed or repeated header is a 400.
/// </summary>
internal sealed record IdempotencyKey(string Text) : IEndpointParameterMetadataProvider
{
    public const string Header = "Idempotency-Key";

    /// <summary>The response header that marks a replayed response of an earlier request.</summary>
    public const string ReplayedHeader = "Idempotent-Replayed";

    /// <summary>The path under which validation errors of the key are reported.</summary>
    public const string Path = "idempotencyKey";

    public const int MaxLength = 255;

    public static bool IsIn(HttpContext context) => context.Request.Headers.ContainsKey(Header);

    public static ValueTask<IdempotencyKey?> BindAsync(HttpContext context)
    {
        if (!context.Request.Headers.TryGetValue(Header, out var sent))
            return default;
        if (sent.Count != 1)
            throw ProblemException.Validation(Path, "Given more than once.");
        return ValueTask.FromResult<IdempotencyKey?>(new(Read(sent[0] ?? "") ?? throw Malformed()));
    }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new IdempotencyKeyShape());

    public static readonly string Sentence = $"Must be 1 to {MaxLength} printable characters of ASCII, bare or between double quotes.";

    public static ProblemException Malformed() => ProblemException.Validation(Path, Sentence);

    /// <summary>Returns the key that the text denotes; null when it is malformed.</summary>
    public static string? Read(string text)
    {
        foreach (var character in text)
        {
            if (character is < ' ' or > '~')
                return null;
        }
        var key = text.StartsWith('"') ? Unquoted(text) : text;
        return key is { Length: >= 1 and <= MaxLength } ? key : null;
    }

    // RFC 8941, 3.3.3: within the quotes only a quote and a backslash may be escaped.
    private static string? Unquoted(string text)
    {
        var key = new StringBuilder(text.Length);
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '"')
                return i == text.Length - 1 ? key.ToString() : null;
            if (text[i] == '\\' && (++i == text.Length || text[i] is not ('"' or '\\')))
                return null;
            key.Append(text[i]);
        }
        return null;
    }

    /// <summary>Combines the key with the hash of the request's body.</summary>
    public Idempotency With(BodyHash? bodyHash) => new(Text, bodyHash ?? throw new InvalidOperationException("The body was not hashed."));
}

/// <summary>The identity of a request: the caller's key and the hash of the body.</summary>
internal sealed record Idempotency(string Key, BodyHash BodyHash);

/// <summary>Tells the OpenAPI document that an endpoint takes an <see cref="IdempotencyKey"/>.</summary>
internal sealed class IdempotencyKeyShape;
