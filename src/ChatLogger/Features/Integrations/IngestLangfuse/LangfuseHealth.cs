using ChatLogger.Configuration;

namespace ChatLogger.Features;

/// <summary>GET /api/public/health: what SDKs and set-ups of Langfuse ask before they send.</summary>
internal static class LangfuseHealth
{
    public static void Map(IEndpointRouteBuilder open) =>
        open
            .MapGet("/api/public/health", () => TypedResults.Ok(new Response("OK", Product.Version)))
            .WithSummary("Whether the service answers, as Langfuse's SDKs ask.");

    public sealed record Response(string Status, string Version);
}
