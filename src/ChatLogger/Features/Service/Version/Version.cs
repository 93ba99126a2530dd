using ChatLogger.Configuration;

namespace ChatLogger.Features;

/// <summary>GET /version: the version of the service.</summary>
internal static class Version
{
    public static void Map(IEndpointRouteBuilder open) =>
        open.MapGet("/version", () => TypedResults.Ok(new Response(Product.Name, Product.Version, Product.Commit)))
            .WithSummary("Which version is this?");

    /// <summary>The version, and the commit it was built from where the build knew it.</summary>
    public sealed record Response(string Name, string Version, string? Commit);
}
