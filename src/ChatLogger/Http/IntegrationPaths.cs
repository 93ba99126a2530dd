namespace ChatLogger.Http;

/// <summary>Where the protocols of other services are spoken, with an organization's API key.</summary>
internal static class IntegrationPaths
{
    private static readonly PathString[] All = ["/v1", "/otel", "/api/public"];

    public static bool Contain(PathString path) => Array.Exists(All, prefix => path.StartsWithSegments(prefix));
}
