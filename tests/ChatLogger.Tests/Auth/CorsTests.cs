using ChatLogger.Auth;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Auth;

/// <summary>Which origins may read the responses.</summary>
public partial class CorsTests(DashboardElsewhereApp app) : IClassFixture<DashboardElsewhereApp>
{
    private const string Dashboard = "https://dashboard.example";
    private const string Shop = "https://shop.example";

    /// <summary>Every path of the running service, with the methods it knows.</summary>
    private IEnumerable<(string Path, EndpointPolicy Access, string[] Methods)> Paths =>
        from endpoint in Endpoints
        group endpoint by "/" + string.Join('/', endpoint.RoutePattern.PathSegments.Select(segment => Literal(segment) ?? "x"))
        into endpoints
        let path = endpoints.Key.Split('/', StringSplitOptions.RemoveEmptyEntries)
        select (
            endpoints.Key,
            endpoints.First().Metadata.GetMetadata<EndpointPolicy>()!,
            // A literal path may also match a route with a parameter: /orgs/me and /orgs/{slug}.
            Endpoints.Where(endpoint => IsAt(path, endpoint.RoutePattern.PathSegments))
                .SelectMany(endpoint => endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods).Distinct().Order().ToArray());

    private IEnumerable<RouteEndpoint> Endpoints => app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    private static bool IsAt(string[] path, IReadOnlyList<RoutePatternPathSegment> pattern) =>
        path.Length == pattern.Count && path.Zip(pattern).All(pair => Literal(pair.Second) is not { } literal || literal == pair.First);

    // SDKs ask for the health of the service with no key.
    private static bool IsForPlugins((string Path, EndpointPolicy Access, string[] Methods) each) =>
        each.Access.Credential == CredentialKind.ApiKey || each.Path == "/api/public/health";

    private static string? Literal(RoutePatternPathSegment segment) => (segment.Parts[0] as RoutePatternLiteralPart)?.Content;

    [Fact]
    public async Task Every_route_of_the_plugin_API_answers_the_preflight_of_every_page()
    {
        foreach (var (path, _, methods) in Paths.Where(IsForPlugins))
        {
            foreach (var origin in new[] { Shop, Dashboard, "null" })
            {
                var answer = (await Preflight(path, origin, methods[0], "x-organization-api-key, content-type"))
                    .Is(204)
                    .HasSecurityHeaders();

                Assert.Equal("*", answer.Header("Access-Control-Allow-Origin"));
                Assert.Null(answer.Header("Access-Control-Allow-Credentials"));
                Assert.Equal(methods, Listed(answer, "Access-Control-Allow-Methods").Order());
                Assert.Superset(
                    new HashSet<string> { "x-organization-api-key", "content-type", "idempotency-key", "content-encoding" },
                    Listed(answer, "Access-Control-Allow-Headers").ToHashSet());
                Assert.Equal("7200", answer.Header("Access-Control-Max-Age"));
                Assert.Null(answer.Header("Allow"));
                Assert.Equal("", answer.Body);
            }
        }
    }

    [Fact]
    public async Task Every_route_of_the_dashboard_API_answers_the_preflight_of_allowed_origins_only()
    {
        var members = Paths.Where(each => !IsForPlugins(each) && !IsService(each.Path)).ToList();
        Assert.Contains(members, each => each.Path == "/auth/login");

        foreach (var (path, _, methods) in members)
        {
            var answer = (await Preflight(path, Dashboard, methods[0], "content-type")).Is(204).HasSecurityHeaders();
            Assert.Equal(Dashboard, answer.Header("Access-Control-Allow-Origin"));
            Assert.Equal("true", answer.Header("Access-Control-Allow-Credentials"));
            Assert.Equal(methods, Listed(answer, "Access-Control-Allow-Methods").Order());
            Assert.Equal("Origin", answer.Header("Vary"));

            foreach (
                var origin in new[]
                {
                    Shop,
                    "null",
                    Dashboard + "/",
                    Dashboard.ToUpperInvariant(),
                    $"{Dashboard}, {Shop}",
                    "http://dashboard.example",
                    $"{Dashboard}.evil.example",
                })
            {
                var other = (await Preflight(path, origin, methods[0], "content-type")).Is(204).HasSecurityHeaders();
                Assert.DoesNotContain(other.Headers.Keys, IsCors);
                Assert.Equal("Origin", other.Header("Vary"));
            }
        }
    }

    [Fact]
    public async Task The_services_own_routes_are_for_no_page()
    {
        foreach (var path in Paths.Select(each => each.Path).Where(IsService).Append("/docs/index.html"))
        {
            Assert.DoesNotContain((await Ask("GET", path, Dashboard)).Headers.Keys, IsCors);
            Assert.DoesNotContain((await Preflight(path, Dashboard, "GET", "content-type")).Headers.Keys, IsCors);
        }
    }

    [Fact]
    public async Task Without_what_makes_it_a_preflight_an_OPTIONS_is_an_unknown_method()
    {
        foreach (var (path, _, methods) in Paths)
        {
            foreach (
                var change in new Action<HttpRequestMessage>[]
                {
                    _ => { },
                    request => request.Headers.Add("Origin", Dashboard),
                    request => request.Headers.Add("Access-Control-Request-Method", methods[0]),
                })
            {
                var answer = (await app.Stranger.Send(HttpMethod.Options, path, null, change)).IsSafeProblem(405, "method-not-allowed");
                Assert.Equal(methods, Listed(answer, "Allow").Order());
            }
        }
        (await Preflight("/nowhere", Dashboard, "GET", "")).IsSafeProblem(404, "not-found");
        (await Preflight("/api/v1/nowhere", Shop, "GET", "")).IsSafeProblem(404, "not-found");
    }

    private static bool IsService(string path) =>
        path == "/"
        || path.StartsWith("/healthz", StringComparison.Ordinal)
        || path is "/version" or "/openapi/v1.json" or "/docs/index.html";

    private static bool IsCors(string header) => header.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase);

    private static string[] Listed(Answer answer, string header) => answer.Header(header)!.Split(", ");

    private Task<Answer> Preflight(string path, string origin, string method, string headers) =>
        app.Stranger.Send(
            HttpMethod.Options,
            path,
            null,
            request =>
            {
                request.Headers.TryAddWithoutValidation("Origin", origin);
                request.Headers.TryAddWithoutValidation("Access-Control-Request-Method", method);
                request.Headers.TryAddWithoutValidation("Access-Control-Request-Headers", headers);
            });

    private Task<Answer> Ask(
        string method,
        string path,
        string? origin,
        Caller? caller = null,
        string? body = null,
        string type = "application/json") =>
        (caller ?? app.Stranger).Send(
            new(method),
            path,
            body is null ? null : new StringContent(body, null, type),
            request =>
            {
                if (origin is not null)
                    request.Headers.TryAddWithoutValidation("Origin", origin);
            });
}
