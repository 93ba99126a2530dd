namespace ChatLogger.Auth;

/// <summary>
/// The cookie that carries the session token. Its name begins with <c>__Host-</c> and it is <c>Secure</c>, except in Development on a loopback
/// <c>http</c> address, where browsers and curl would not send it back. A process accepts one name only.
/// </summary>
internal sealed class SessionCookie(bool plain)
{
    public string Name => plain ? "chatlogger" : "__Host-chatlogger";

    public void Write(HttpContext context, string token, TimeSpan lifetime) =>
        context.Response.Cookies.Append(Name, token, Options(lifetime));

    public void Delete(HttpContext context) => context.Response.Cookies.Append(Name, "", Options(TimeSpan.Zero));

    /// <summary>The token; null when there is none, or more than one.</summary>
    public string? Read(HttpContext context)
    {
        string? found = null;
        foreach (var line in context.Request.Headers.Cookie)
        {
            foreach (var part in (line ?? "").Split(';', StringSplitOptions.TrimEntries))
            {
                if (part.Length <= Name.Length || part[Name.Length] != '=' || !part.StartsWith(Name, StringComparison.Ordinal))
                    continue;
                if (found is not null)
                    return null;
                found = part[(Name.Length + 1)..];
            }
        }
        return found;
    }

    private CookieOptions Options(TimeSpan lifetime) => new()
    {
        Path = "/",
        HttpOnly = true,
        Secure = !plain,
        SameSite = SameSiteMode.Strict,
        MaxAge = lifetime,
    };
}
