using ChatLogger.Http;

namespace ChatLogger.Auth;

/// <summary>
/// A browser says where a request comes from; one that changes something must come from our own pages or an allow-listed origin. Who says
/// nothing is no browser, and carries no cookie against its owner's will.
/// </summary>
internal static class SameOrigin
{
    public static void Require(HttpContext context, CorsSettings cors)
    {
        var request = context.Request;
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
            return;

        var origin = request.Headers.Origin;
        if (origin.Count == 1 && cors.Origins.Contains(origin[0], StringComparer.Ordinal))
            return;
        var site = request.Headers["Sec-Fetch-Site"];
        if ((origin.Count > 0 && origin != $"{request.Scheme}://{request.Host}") || (site.Count > 0 && site != "same-origin"))
            throw Problem.Forbidden("A browser may send this only from the dashboard's own origin.");
    }
}
