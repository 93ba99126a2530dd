using System.Reflection;
using System.Text;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Http;

/// <summary>
/// The header <c>Idempotency-Key</c>: 1 to 255 printable characters of ASCII, bare or as a string of RFC 8941, which is the same key. Null
/// where there is none; malformed or given twice it is a 400.
/// </summary>
internal sealed record IdempotencyKey(string Text) : IEndpointParameterMetadataProvider
{
    public const string Header = "Idempotency-Key";

    /// <summary>Tells that the answer is of a request before.</summary>
    public const string ReplayedHeader = "Idempotent-Replayed";

    /// <summary>The path of what is wrong with it.</summary>
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

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) => builder.Metadata.Add(new IdempotencyKeyShape());

    public static readonly string Sentence = $"Must be 1 to {MaxLength} printable characters of ASCII, bare or between double quotes.";

    public static ProblemException Malformed() => ProblemException.Validation(Path, Sentence);

    /// <summary>The key that the text stands for; null when it is none.</summary>
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

    // RFC 8941, 3.3.3: between the quotes only a quote and a backslash are escaped, and nothing else may be.
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

    /// <summary>With the body it came with.</summary>
    public Idempotency With(byte[]? bodySha256) => new(Text, bodySha256 ?? throw new InvalidOperationException("The body was not hashed."));
}

/// <summary>What makes two requests the same: the key that the caller chose, and the SHA-256 of the body.</summary>
internal sealed record Idempotency(string Key, byte[] BodySha256);

/// <summary>Tells the OpenAPI document that an endpoint takes an <see cref="IdempotencyKey"/>.</summary>
internal sealed class IdempotencyKeyShape;
