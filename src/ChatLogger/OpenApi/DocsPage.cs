namespace ChatLogger.OpenApi;

/// <summary>The page that shows the OpenAPI document to people, at <c>/docs</c>.</summary>
internal static class DocsPage
{
    private const string Path = "/docs";

    /// <summary>The page, and a policy that lets it load its own scripts.</summary>
    public static void Use(WebApplication app)
    {
        // Every request would pass through it otherwise.
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
                    // Relative to the page, so that it is found below a sub-path, too.
                    options.SwaggerEndpoint($"..{ApiDocument.Path}", "Chat Logger v1");
                });
            });
    }
}
