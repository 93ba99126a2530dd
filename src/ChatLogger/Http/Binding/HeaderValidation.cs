using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace ChatLogger.Http;

/// <summary>
/// Rejects what the headers alone show to be invalid, before authentication and without the database: request smuggling, content types and
/// encodings, declared lengths.
/// </summary>
internal static class HeaderValidation
{
    /// <summary>Kestrel renames a Content-Length next to a Transfer-Encoding to this header instead of rejecting the request.</summary>
    private const string DisplacedContentLength = "X-Content-Length";

    public static Task Middleware(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;

        // RFC 9112, 6.1: a request with both headers may be an attempt at request smuggling.
        if (request.Headers.ContainsKey(HeaderNames.TransferEncoding) && request.Headers.ContainsKey(DisplacedContentLength))
        {
            context.Response.Headers.Connection = "close";
            throw ProblemException.BadRequest("A request has either Content-Length or Transfer-Encoding.");
        }

        if (context.GetEndpoint()?.Metadata.GetMetadata<BodyShape>() is { } shape)
        {
            RequireType(request, shape.ContentTypes, gzip: context.GetEndpoint()!.Metadata.GetMetadata<GzipAllowed>() is not null);
            var limit = BodyLimit.Of(context);
            if (request.ContentLength > limit)
                throw ProblemException.BodyTooLarge(limit);
        }
        else if (
            context.GetEndpoint() is RouteEndpoint
            && HasBody(request)
            && !HttpMethods.IsGet(request.Method)
            && !HttpMethods.IsHead(request.Method))
        {
            // The endpoint ignores the body, but a form that a foreign page submits must not pass as a request without a body.
            RequireType(request, ["application/json"]);
        }
        return next(context);
    }

    public static ProblemException WrongContentType(IReadOnlyList<string>? types = null) =>
        ProblemException.UnsupportedMediaType($"The body must be {string.Join(" or ", types ?? ["application/json"])} in UTF-8.");

    /// <summary>Whether the body must be decompressed; the checks above decide whether it may be compressed.</summary>
    public static bool IsGzip(HttpRequest request) =>
        request.Headers.ContentEncoding.Count == 1 && "gzip".Equals(request.Headers.ContentEncoding, StringComparison.OrdinalIgnoreCase);

    // The registered name, and the common variant that many clients send.
    private static bool IsUtf8(StringSegment charset) =>
        charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || charset.Equals("utf8", StringComparison.OrdinalIgnoreCase);

    private static bool HasBody(HttpRequest request) =>
        request.ContentLength > 0 || request.Headers.ContainsKey(HeaderNames.TransferEncoding);

    private static void RequireType(HttpRequest request, IReadOnlyList<string> types, bool gzip = false)
    {
        // Fast path for the usual spelling.
        var isPlain = request.ContentType == "application/json" && types[0] == "application/json";
        if (!isPlain && (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !types.Any(known => type.MediaType.Equals(known, StringComparison.OrdinalIgnoreCase))
            || (type.Charset.HasValue && !IsUtf8(HeaderUtilities.RemoveQuotes(type.Charset)))))
            throw WrongContentType(types);
        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity" && !(gzip && IsGzip(request)))
            throw ProblemException.UnsupportedMediaType(
                gzip ? "The body may be encoded with gzip, once, and not otherwise." : "The body must not be encoded.");
    }
}
