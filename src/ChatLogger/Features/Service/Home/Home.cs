using ChatLogger.Configuration;
using ChatLogger.Http;
using Microsoft.Net.Http.Headers;

namespace ChatLogger.Features;

/// <summary>GET /: a page that describes the service, for browsers and curl.</summary>
internal static class Home
{
    public static void Map(IEndpointRouteBuilder open) =>
        open.MapGet(
                "/",
                (HttpRequest request) =>
                {
                    request.HttpContext.Response.Headers.Append(HeaderNames.Vary, HeaderNames.Accept);
                    return request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
                        ? Results.Text(Page(request.PathBase), "text/html; charset=utf-8")
                        : Results.Ok(
                            new Response(Product.Name, Product.Version, $"{request.PathBase}/docs", $"{request.PathBase}/openapi/v1.json"));
                })
            .WithMetadata(new AllowsAnyQuery())
            .ExcludeFromDescription();

    public sealed record Response(string Name, string Version, string Docs, string Openapi);

    // No escaping is necessary: the path comes from a setting or a trusted proxy and has only letters, digits and -._~; the version comes
    // from the build.
    private static string Page(PathString pathBase) =>
        $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Chat Logger</title>
        </head>
        <body>
        <h1>Chat Logger</h1>
        <p>Version {Product.Version} is running here.</p>
        <ul>
        <li><a href="{pathBase}/docs">The API</a>, described (as <a href="{pathBase}/openapi/v1.json">OpenAPI</a>)</li>
        <li><a href="{pathBase}/healthz/ready">Whether it is ready</a></li>
        </ul>
        </body>
        </html>
        """;
}
