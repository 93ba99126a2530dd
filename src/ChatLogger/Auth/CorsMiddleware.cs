using ChatLogger.Http;
using Microsoft.Net.Http.Headers;

namespace ChatLogger.Auth;

/// <summary>
/// Tells browsers which pages may read the responses (CORS). The plugin API allows every origin, because its credential is a header that
/// the page itself must know. The dashboard API, for which the browser adds the cookie, allows the configured origins; the service routes
/// allow none.
/// </summary>
/// <remarks>
/// The framework's middleware only acts at endpoints, so a page could not read a 404 or 405; it omits <c>Vary</c> when only one origin is
/// allowed; and it routes an OPTIONS request to the endpoint of the requested method. Here no OPTIONS request reaches an endpoint.
/// </remarks>
internal sealed class CorsMiddleware(RequestDelegate next, CorsSettings settings)
{
    private const string RequestHeaders =
        $"{AuthorizationMiddleware.KeyHeader}, authorization, content-type, content-encoding, idempotency-key, if-none-match, if-range, "
            + "range";
    private const string ResponseHeaders =
        "Location, Retry-After, Idempotent-Replayed, ETag, Content-Disposition, Content-Range, Accept-Ranges";

    // Browsers cap max-age at two hours.
    private const string MaxAge = "7200";

    private static readonly PathString PluginPath = "/api/v1";
    private static readonly PathString[] Service = ["/healthz", "/version", "/openapi", "/docs"];

    public async Task InvokeAsync(HttpContext context)
    {
        var path = context.Request.Path;
        var isPlugin = path.StartsWithSegments(PluginPath) || IntegrationPaths.Contain(path);
        if (!isPlugin && (path == "/" || Service.Any(prefix => path.StartsWithSegments(prefix))))
        {
            await next(context);
            return;
        }

        // Sets the headers before anything can refuse the request, so that the page can read the refusal too.
        var allowed = isPlugin ? AllowAnyone(context) : AllowListed(context);
        await next(context);
        if (IsPreflight(context.Request))
            AnswerPreflight(context.Response, allowed);
    }

    private static bool AllowAnyone(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.AccessControlAllowOrigin = "*";
        headers.AccessControlExposeHeaders = ResponseHeaders;
        return true;
    }

    private bool AllowListed(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.Append(HeaderNames.Vary, HeaderNames.Origin);
        // Sends the configured spelling of the origin, never the caller's. Browsers send exactly one Origin header, so several are treated
        // as none.
        var origin = context.Request.Headers.Origin;
        if (origin.Count != 1 || Array.IndexOf(settings.Origins, origin[0]) is not (>= 0 and var at))
            return false;
        headers.AccessControlAllowOrigin = settings.Origins[at];
        headers.AccessControlAllowCredentials = "true";
        headers.AccessControlExposeHeaders = ResponseHeaders;
        return true;
    }

    // Routing has answered the OPTIONS with 405 and listed the methods of the path in Allow, which is what a preflight asks for. An unknown
    // path keeps its 404. A preflight needs neither the database nor authentication.
    private static void AnswerPreflight(HttpResponse response, bool allowed)
    {
        if (response.HasStarted || response.StatusCode != StatusCodes.Status405MethodNotAllowed)
            return;
        response.StatusCode = StatusCodes.Status204NoContent;
        if (allowed)
        {
            response.Headers.AccessControlAllowMethods = response.Headers.Allow;
            response.Headers.AccessControlAllowHeaders = RequestHeaders;
            response.Headers.AccessControlMaxAge = MaxAge;
        }
        response.Headers.Remove(HeaderNames.Allow);
        response.Headers.Remove(HeaderNames.AccessControlExposeHeaders);
    }

    private static bool IsPreflight(HttpRequest request) =>
        HttpMethods.IsOptions(request.Method) && request.Headers.Origin.Count > 0 && request.Headers.AccessControlRequestMethod.Count > 0;
}
