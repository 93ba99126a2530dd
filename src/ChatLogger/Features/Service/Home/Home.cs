using ChatLogger.Configuration;
using ChatLogger.Http;
using Microsoft.Net.Http.Headers;

namespace ChatLogger.Features;

/// <summary>GET /: leads a browser to the dashboard, and describes the service to everybody else.</summary>
internal static class Home
{
    public static void Map(IEndpointRouteBuilder open) =>
        open.MapGet(
                "/",
                (HttpRequest request) =>
                {
                    request.HttpContext.Response.Headers.Append(HeaderNames.Vary, HeaderNames.Accept);
                    return request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
                        ? Results.Redirect($"{DashboardFiles.Root}/")
                        : Results.Ok(
                            new Response(Product.Name, Product.Version, $"{request.PathBase}/docs", $"{request.PathBase}/openapi/v1.json"));
                })
            .WithMetadata(new AllowsAnyQuery())
            .ExcludeFromDescription();

    public sealed record Response(string Name, string Version, string Docs, string Openapi);
}
