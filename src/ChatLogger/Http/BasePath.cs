using System.Text.RegularExpressions;
using ChatLogger.Configuration;

namespace ChatLogger.Http;

/// <summary>
/// The base path that the service is reached below, from the setting <c>PathBase</c> or from a trusted proxy's <c>X-Forwarded-Prefix</c>. A
/// proxy may keep or strip it. The service prepends it to every address in its responses.
/// </summary>
internal sealed partial class BasePath(PathString configured)
{
    /// <summary>The path from the settings; empty when the service is at the root of its host.</summary>
    public PathString Configured => configured;

    /// <exception cref="StartupException">The setting is not a path such as /chatlogger.</exception>
    public static BasePath Read(IConfiguration configuration) => configuration["PathBase"] is not { Length: > 0 } text || text == "/"
        ? new(PathString.Empty)
        : IsPath(text.TrimEnd('/'))
            ? new(text.TrimEnd('/'))
            : throw new StartupException("PathBase must be a path such as /chatlogger: letters, digits and -._~ after each slash.");

    public Task Middleware(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        // UseForwardedHeaders has already applied the proxy's header. Only a plain path is accepted: the path becomes part of Location,
        // where // would begin a host.
        var prefix =
            request.PathBase.Value?.TrimEnd('/') is { Length: > 0 } forwarded && IsPath(forwarded) ? new PathString(forwarded) : configured;
        request.PathBase = prefix;
        if (!prefix.HasValue)
            return next(context);
        if (request.Path.StartsWithSegments(prefix, StringComparison.Ordinal, out var rest))
            request.Path = rest.HasValue ? rest : "/";
        context.Response.OnStarting(static state =>
        {
            var context = (HttpContext)state;
            if (context.Response.Headers.Location.ToString() is ['/', ..] location)
                context.Response.Headers.Location = context.Request.PathBase + location;
            return Task.CompletedTask;
        }, context);
        return next(context);
    }

    private static bool IsPath(string text) => text.Length <= 200 && PathPattern().IsMatch(text);

    [GeneratedRegex(@"^(?:/(?!\.{1,2}(?:/|\z))[A-Za-z0-9._~-]+)+\z")]
    private static partial Regex PathPattern();
}
