using Microsoft.Net.Http.Headers;

namespace ChatLogger.Auth;

/// <summary>
/// Tells browsers whose pages may read the answers (CORS). The plugin door is open to every page, for its credential is a header that the page
/// itself must have; the member door, where the browser adds the cookie, to the dashboard's allow-listed origins; the service's own routes to none.
/// </summary>
/// <remarks>
/// The framework's middleware speaks only at endpoints, so that a page could not read a 404 or 405; leaves <c>Vary</c> out where one origin is
/// allowed; and hands an OPTIONS to the endpoint of the method that is asked for. Here no OPTIONS ever reaches an endpoint.
/// </remarks>
internal sealed class CorsMiddleware(RequestDelegate next, CorsSettings settings)
{
    private const string RequestHeaders = $"{AuthorizationMiddleware.KeyHeader}, authorization, content-type, content-encoding, idempotency-key, if-none-match, if-range, range";
    private const string ResponseHeaders = "Location, Retry-After, Idempotent-Replayed, ETag, Content-Disposition, Content-Range, Accept-Ranges";

    // Two hours are the most that browsers keep to.
    private const string MaxAge = "7200";

    private static readonly PathString PluginPath = "/api/v1";
    private static readonly PathString[] Service = ["/healthz", "/version", "/openapi", "/docs"];

    public async Task InvokeAsync(HttpContext context)
    {
        var path = context.Request.Path;
        var isPlugin = path.StartsWithSegments(PluginPath);
        if (!isPlugin && (path == "/" || Service.Any(prefix => path.StartsWithSegments(prefix))))
        {
            await next(context);
            return;
        }

        // Set before anything can be refused: a page is to see the refusal too.
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
        // What is answered is our own spelling of the origin, never the caller's. Several are none: browsers send one.
        var origin = context.Request.Headers.Origin;
        if (origin.Count != 1 || Array.IndexOf(settings.Origins, origin[0]) is not (>= 0 and var at))
            return false;
        headers.AccessControlAllowOrigin = settings.Origins[at];
        headers.AccessControlAllowCredentials = "true";
        headers.AccessControlExposeHeaders = ResponseHeaders;
        return true;
    }

    // Routing has refused the OPTIONS, and has said which methods the path knows: just what a preflight wants to know. Of a path that is not
    // there its 404 stays. Neither needs the database, nor to know who will call.
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
