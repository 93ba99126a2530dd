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

    /// <summary>A cookie that the script sets when the browser's user is a member of an organization.</summary>
    private const string MemberCookie = "chatlogger-member";

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
        context.Response.Headers.Vary = "Cookie";
        await PageFor(context.Request, files, path).Write(context, "text/html; charset=utf-8");
    }

    private static BasePathContent PageFor(HttpRequest request, DashboardFiles files, string? path)
    {
        if (request.Cookies[MemberCookie] != "yes" || path?.StartsWith("o/", StringComparison.Ordinal) == true)
            return files.Page;
        return path is null or "" or "chats" && !request.QueryString.HasValue ? files.ChatsPage : files.MemberPage;
    }
}
