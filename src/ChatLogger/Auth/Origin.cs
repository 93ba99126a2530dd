namespace ChatLogger.Auth;

/// <summary>
/// What browsers send in <c>Origin</c>: scheme and host in lower case, a port unless it is the scheme's default, nothing more.
/// </summary>
internal static class Origin
{
    private const int MaxLength = 300;

    public static bool IsExact(string? text) =>
        text is { Length: <= MaxLength } && !text.AsSpan().ContainsAny('*', '@') && text.All(char.IsAscii)
        && Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0
        && uri.GetLeftPart(UriPartial.Authority) == text;

    /// <summary>
    /// Returns the origin that a browser would send for the request's address. Proxies and other clients write scheme and host in any case
    /// and may include the default port; browsers never do.
    /// </summary>
    public static string Of(HttpRequest request)
    {
        var scheme = request.Scheme.ToLowerInvariant();
        var host = request.Host;
        var isDefaultPort = host.Port is null || (scheme, host.Port) is ("http", 80) or ("https", 443);
        return $"{scheme}://{host.Host.ToLowerInvariant()}{(isDefaultPort ? "" : $":{host.Port}")}";
    }
}
