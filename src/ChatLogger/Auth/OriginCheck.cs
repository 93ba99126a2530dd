using ChatLogger.Http;

namespace ChatLogger.Auth;

/// <summary>
/// Protects against cross-site request forgery: a browser states the origin of a request, and a request that changes something must come
/// from the service's own pages or an allow-listed origin. A client that sends no origin is no browser, so nobody can make it send a cookie
/// without its owner's will.
/// </summary>
internal sealed partial class OriginCheck(CorsSettings cors, TimeProvider time, ILogger<OriginCheck> log)
{
    private const int MaxLoggedLength = 300;

    // One line tells an operator what is wrong; a page that keeps retrying, or an attacker, must not flood the log.
    private readonly LogSampler _refused = new(TimeSpan.FromMinutes(1), time);

    /// <exception cref="ProblemException">403: the request comes from another origin; the detail names the settings that would allow
    /// it.</exception>
    public void Require(HttpContext context)
    {
        var request = context.Request;
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
            return;

        var origin = request.Headers.Origin;
        if (origin.Count == 1 && cors.Origins.Contains(origin[0], StringComparer.Ordinal))
            return;
        var site = request.Headers["Sec-Fetch-Site"];
        var own = Origin.Of(request);
        if ((origin.Count == 0 || origin == own) && (site.Count == 0 || site == "same-origin"))
            return;
        if (_refused.ShouldLog(out _))
            Refused(log, Short(origin), Short(site), Short(own));
        throw ProblemException.Forbidden(
            "A browser may send this only from the dashboard's own origin. The operator can allow another one with Cors__Origins__0; "
            + "behind a proxy, Proxies__Trusted__0 makes the proxy's X-Forwarded-Host and X-Forwarded-Proto count.");
    }

    private static string Short(string? text) => text is null or "" ? "none" : text[..Math.Min(text.Length, MaxLoggedLength)];

    [LoggerMessage(
        LogLevel.Warning,
        "A browser's request was refused because of its origin: Origin is {Origin}, Sec-Fetch-Site is {Site}, and our own origin is {Own}. "
            + "Cors__Origins__0 allows another origin; behind a proxy, Proxies__Trusted__0 makes its X-Forwarded-Host and "
            + "X-Forwarded-Proto count. This is logged once a minute at most."
    )]
    private static partial void Refused(ILogger log, string origin, string site, string own);
}
