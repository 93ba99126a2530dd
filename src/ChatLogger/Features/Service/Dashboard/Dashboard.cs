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

        context.Response.Headers.ContentSecurityPolicy = Policy;
        await files.Page.Write(context, "text/html; charset=utf-8");
    }
}
