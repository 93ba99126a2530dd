using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>GET /healthz/live: whether the process runs. It checks no dependency.</summary>
internal static class Live
{
    public static void Map(IEndpointRouteBuilder open) =>
        open.MapGet("/healthz/live", () => TypedResults.Ok(new Response("live")))
            .WithMetadata(new AllowsAnyQuery())
            .WithSummary("Is the process alive?");

    public sealed record Response(string Status);
}
