using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.AspNetCore.Routing.Patterns;

namespace ChatLogger.Http;

/// <summary>
/// Removes endpoints whose path differs from the requested one in case. Routing compares literals case-insensitively but not parameters, so
/// <c>/orgs/ME</c> would be the caller's own organization while <c>/orgs/ME/chats</c> would match no organization.
/// </summary>
internal sealed class CaseSensitivePaths(IServiceProvider services) : MatcherPolicy, IEndpointSelectorPolicy
{
    // Runs last, so that it also sees the 405 endpoint that routing adds.
    public override int Order => int.MaxValue;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => true;

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        // All literals are in lower case, so a path without capitals cannot differ in case.
        var path = httpContext.Request.Path.Value.AsSpan();
        if (!path.ContainsAnyInRange('A', 'Z'))
            return Task.CompletedTask;
        var segments = httpContext.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < candidates.Count; i++)
        {
            if (candidates.IsValidCandidate(i) && !Fits(candidates[i].Endpoint, segments))
                candidates.SetValidity(i, false);
        }
        return Task.CompletedTask;
    }

    // The 405 endpoint has no pattern of its own: it stands for all routes of the path.
    private bool Fits(Endpoint endpoint, string[] segments) => endpoint is RouteEndpoint route
        ? Fits(route, segments)
        : services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Any(other => Fits(other, segments));

    // A catch-all parameter takes any number of segments, also none.
    private static bool Fits(RouteEndpoint route, string[] segments) =>
        route.RoutePattern.PathSegments is var pattern
        && (pattern is [.., { Parts: [RoutePatternParameterPart { IsCatchAll: true }] }]
            ? pattern.Count - 1 <= segments.Length
            : pattern.Count == segments.Length)
        && pattern.Zip(segments).All(pair =>
            pair.First.Parts is not [RoutePatternLiteralPart literal] || literal.Content == pair.Second);
}
