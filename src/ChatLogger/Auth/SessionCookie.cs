using ChatLogger.Http;

namespace ChatLogger.Auth;

/// <summary>
/// The cookie with the session token. Its name begins with <c>__Host-</c> and it is <c>Secure</c>, except in Development on a loopback
/// <c>http</c> address, where browsers and curl would not send it back. Below a base path it is limited to that path, which <c>__Host-</c>
/// forbids, so its name begins with <c>__Secure-</c>. A request is searched for exactly one name.
/// </summary>
internal sealed partial class SessionCookie(bool plain)
{
    // Logs the problem at once, and again every hour for operators who only read the current log.
    private readonly LogSampler _overPlainHttp = new(TimeSpan.FromHours(1), TimeProvider.System);

    public string NameForPath(PathString pathBase) =>
        plain ? "chatlogger"
        : pathBase.HasValue ? "__Secure-chatlogger"
        : "__Host-chatlogger";

    public void Write(HttpContext context, string token, TimeSpan lifetime)
    {
        context.Response.Cookies.Append(NameForPath(context.Request.PathBase), token, Options(context.Request.PathBase, lifetime));
        if (!plain && !context.Request.IsHttps && !IsLoopback(context.Request.Host.Host) && _overPlainHttp.ShouldLog(out _))
            SecureOverPlainHttp(context.RequestServices.GetRequiredService<ILogger<SessionCookie>>());
    }

    public void Delete(HttpContext context) =>
        context.Response.Cookies.Append(NameForPath(context.Request.PathBase), "", Options(context.Request.PathBase, TimeSpan.Zero));

    /// <summary>Returns the token; null when there is none, or more than one.</summary>
    public string? Read(HttpContext context)
    {
        var name = NameForPath(context.Request.PathBase);
        string? found = null;
        foreach (var line in context.Request.Headers.Cookie)
        {
            foreach (var part in (line ?? "").Split(';', StringSplitOptions.TrimEntries))
            {
                if (part.Length <= name.Length || part[name.Length] != '=' || !part.StartsWith(name, StringComparison.Ordinal))
                    continue;
                if (found is not null)
                    return null;
                found = part[(name.Length + 1)..];
            }
        }
        return found;
    }

    private static bool IsLoopback(string host) => Uri.TryCreate($"http://{host}", UriKind.Absolute, out var uri) && uri.IsLoopback;

    [LoggerMessage(
        LogLevel.Warning,
        "A session cookie was sent over plain http to an address that is not loopback. "
            + "It is Secure, so browsers drop it, and logins do not hold: "
        + "put TLS in front. Where a proxy does that already, name it in Proxies__Trusted__0 and let it send X-Forwarded-Proto.")]
    private static partial void SecureOverPlainHttp(ILogger log);

    private CookieOptions Options(PathString pathBase, TimeSpan lifetime) => new()
    {
        Path = pathBase.HasValue ? pathBase.Value : "/",
        HttpOnly = true,
        Secure = !plain,
        SameSite = SameSiteMode.Strict,
        MaxAge = lifetime,
    };
}
