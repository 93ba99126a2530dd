using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Contracts;

/// <summary>The headers that every response of every route has, for every caller.</summary>
public class SecurityHeadersTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    // The dashboard's page has a policy of its own: DashboardTests.
    private IEnumerable<(string Method, RouteEndpoint Endpoint)> Routes =>
        from endpoint in app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        where !endpoint.RoutePattern.RawText!.StartsWith(DashboardFiles.Root, StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
        select (method, endpoint);

    [Fact]
    public async Task Every_route_has_them_with_every_caller_and_every_method()
    {
        var acme = await app.Org("acme");
        var plugin = app.Stranger.WithKey(await acme.Key(KeyScope.Ingest, KeyScope.Import));
        var callers = new[] { app.Stranger, plugin, await acme.Admin(), (await acme.Member("viewer")).Caller, await app.Superadmin() };

        foreach (var (method, endpoint) in Routes)
        {
            var path = "/" + string.Join('/', endpoint.RoutePattern.PathSegments.Select(segment => segment.Parts[0] switch
            {
                RoutePatternLiteralPart literal => literal.Content,
                RoutePatternParameterPart { Name: "slug" } => acme.Slug,
                RoutePatternParameterPart { Name: "org" } => "me",
                _ => Guid.CreateVersion7().ToString(),
            }));
            foreach (var caller in callers)
            {
                // A successful logout would end the session that the other requests need.
                var quiet = path == "/auth/logout" ? "?no=1" : "";
                HasThem(await caller.Send(new(method), path + quiet));
                HasThem(await caller.Send(new(method), path + "?no=1"));
                if (method is not "GET" and not "HEAD")
                {
                    HasThem(await caller.Send(new(method), path + quiet, "{"));
                    HasThem(await caller.Send(new(method), path + quiet, new StringContent("a=b"), _ => { }));
                }
            }
            foreach (var other in new[] { "DELETE", "PROPFIND", "OPTIONS", "TRACE" })
                HasThem(await app.Stranger.Send(new(other), path));
        }

        void HasThem(Answer answer)
        {
            // Responses without data of a tenant may be cached if they are revalidated.
            answer.HasSecurityHeaders(
                answer is { Status: 200 } && answer.Header("ETag") is not null && answer.Header("Content-Disposition") is null
                    ? "no-cache"
                    : "no-store");
            Assert.True(answer.Status < 500, answer.Body);
        }
    }

    [Fact]
    public async Task A_file_has_them_whole_in_part_and_unchanged()
    {
        var acme = await app.Org("acme");
        await acme.Say(await acme.Chat(), "hello");
        var admin = await acme.Admin();
        (await admin.Post("/exports/orgs/me", new { format = "json" })).Is(200).HasSecurityHeaders();
        var path = (await admin.Post("/exports/orgs/me", new { format = "json", mode = "async" }))
            .Is(202)
            .HasSecurityHeaders()
            .Header("Location")!;

        Answer file = null!;
        await Wait.Until(async () => (file = (await admin.Get(path)).HasSecurityHeaders()).Status != 202);
        file.Is(200);
        Task<Answer> Ask(HttpMethod method, string name, string value) =>
            admin.Send(method, path, null, request => request.Headers.TryAddWithoutValidation(name, value));
        (await Ask(HttpMethod.Get, "Range", "bytes=0-3")).Is(206).HasSecurityHeaders();
        (await Ask(HttpMethod.Get, "Range", "bytes=999999-")).IsSafeProblem(416, "range-not-satisfiable");
        (await Ask(HttpMethod.Get, "If-None-Match", file.Header("ETag")!)).Is(304).HasSecurityHeaders();
        (await Ask(HttpMethod.Head, "X-Nothing", "1")).Is(200).HasSecurityHeaders();
    }

    [Fact]
    public async Task The_page_for_people_has_a_policy_of_its_own()
    {
        foreach (var path in new[] { "/docs", "/docs/index.html", "/docs/index.js", "/docs/swagger-ui.css", "/docs/nowhere" })
        {
            var answer = await app.Stranger.Get(path);

            Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
            Assert.Equal("no-referrer", answer.Header("Referrer-Policy"));
            Assert.StartsWith("default-src 'none'; script-src 'self'", answer.Header("Content-Security-Policy"));
            Assert.EndsWith("frame-ancestors 'none'", answer.Header("Content-Security-Policy"));
            Assert.Null(answer.Header("Server"));
        }
    }

    [Fact]
    public async Task The_cookie_is_for_this_service_and_no_script()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("viewer");

        var login = (await app.Stranger.Post("/auth/login", new { email = member.Email, password = Persona.Password })).Is(200);
        var set = login.Header("Set-Cookie")!;
        var flags = set.Split("; ")[1..].Select(flag => flag.ToLowerInvariant()).ToList();
        Assert.StartsWith("__Host-chatlogger=", set);
        foreach (var flag in new[] { "path=/", "secure", "httponly", "samesite=strict" })
            Assert.Contains(flag, flags);
        Assert.DoesNotContain(flags, flag => flag.StartsWith("domain", StringComparison.Ordinal));
        Assert.DoesNotContain(set.Split(';')[0].Split('=', 2)[1], login.Body);
    }
}
