namespace ChatLogger.OpenApi;

/// <summary>The page at <c>/docs</c> that shows the OpenAPI document to people.</summary>
internal static class DocsPage
{
    private const string Path = "/docs";

    /// <summary>Adds the page, with a Content-Security-Policy that lets it load its own scripts.</summary>
    public static void Use(WebApplication app)
    {
        // Limits the middleware to this path; otherwise every request would pass through it.
        app.UseWhen(
            context => context.Request.Path.StartsWithSegments(Path, StringComparison.Ordinal),
            page =>
            {
                page.Use((context, next) =>
                {
                    context.Response.Headers.ContentSecurityPolicy =
                        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
                        + "connect-src 'self'; frame-ancestors 'none'";
                    context.Response.Headers.CacheControl = "no-cache";
                    return next(context);
                });
                page.UseSwaggerUI(options =>
                {
                    options.RoutePrefix = Path.TrimStart('/');
                    options.DocumentTitle = "Chat Logger";
                    options.EnableDeepLinking();
                    // Relative to the page, so that it also works below a base path.
                    options.SwaggerEndpoint($"..{ApiDocument.Path}", "Chat Logger v1");
                });
            });
    }
}
