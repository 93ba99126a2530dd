using System.Reflection;

namespace ChatLogger.Features;

/// <summary>GET /version: what is running.</summary>
internal static class Version
{
    public static void Map(IEndpointRouteBuilder open) =>
        open.MapGet("/version", () => TypedResults.Ok(Current)).WithSummary("Which version is this?");

    /// <summary>The version, and the commit it was built from where the build knew it.</summary>
    public sealed record Response(string Name, string Version, string? Commit);

    public static Response Current { get; } = Read();

    private static Response Read()
    {
        var text = typeof(Version).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+', 2);
        return new("Chat Logger", text[0], text.Length == 2 ? text[1] : null);
    }
}
