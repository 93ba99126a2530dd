using System.Text;
using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>
/// GET /app/…: the dashboard. Files have hashed names and are cached for ever; every other path is the page, whose script reads the path.
/// </summary>
internal static class Dashboard
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; "
            + "base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

    private const string Missing =
        """
        <!doctype html>
        <html lang="en">
          <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>Chat Logger</title>
          </head>
          <body>
            <h1>The dashboard is not part of this build</h1>
            <p>It is built with Node 20 or later and npm. Install them and build the service again; the build says what failed.</p>
            <p>The API works without it: <a href="{base}/docs">its description</a>.</p>
          </body>
        </html>
        """;

    public static void Map(IEndpointRouteBuilder open) =>
        open.MapGet($"{DashboardFiles.Root}/{{**path}}", Answer).WithMetadata(new AllowsAnyQuery()).ExcludeFromDescription();

    private static async Task Answer(HttpContext context, DashboardFiles files, string? path)
    {
        const string Assets = "assets/";
        if (path is not null && path.StartsWith(Assets, StringComparison.Ordinal))
        {
            if (!files.TryGet(path, out var asset))
                throw ProblemException.NotFound("The dashboard has no such file.");
            await asset.Content.Write(context, asset.ContentType, "public, max-age=31536000, immutable");
            return;
        }

        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        // The base path has only letters, digits and -._~/, so that it needs no escaping.
        var page = (files.Page ?? Missing).Replace("{base}", context.Request.PathBase.Value, StringComparison.Ordinal);
        await EncodedContent.Compress(Encoding.UTF8.GetBytes(page)).Write(context, "text/html; charset=utf-8", "no-cache");
    }
}
