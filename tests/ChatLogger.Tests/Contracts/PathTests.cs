using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Contracts;

/// <summary>Rules for every path: it is in lower case, and HEAD is answered wherever GET is.</summary>
public class PathTests(MatrixApp app) : IClassFixture<MatrixApp>
{
    [Fact]
    public async Task A_path_in_other_letters_is_another_path()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var root = await app.Superadmin();
        var key = await acme.Plugin();

        string[] nothing =
        [
            "/USERS/me", "/users/ME", "/Orgs/me/chats", "/orgs/me/Chats", "/exports/ORGS/me", "/healthz/Live", "/Version",
            "/OpenApi/v1.json", "/AUTH/logout",
        ];
        foreach (var path in nothing)
        {
            foreach (var method in new[] { "GET", "HEAD", "POST", "PUT", "DELETE" })
            {
                var answer = await admin.Send(new(method), path);
                Assert.True(answer.Status == 404, $"{method} {path}: {answer.Status} {answer.Body}");
            }
        }
        (await key.Post($"/API/v1/orgs/{acme.Slug}/chats", "{}")).IsProblem(404, "not-found");
        (await key.Post($"/api/v1/orgs/{acme.Slug}/CHATS", "{}")).IsProblem(404, "not-found");
        Assert.Equal(0, await acme.Count("chats"));

        // "ME" is a slug that does not exist, on every route that takes one.
        foreach (var path in new[] { "", "/chats", "/users", "/apikeys", "/audit" })
        {
            var (loud, nowhere) = (await admin.Get($"/orgs/ME{path}"), await admin.Get($"/orgs/{MatrixFixture.Nowhere}{path}"));
            Assert.Equal((nowhere.Status, nowhere.Comparable), (loud.Status, loud.Comparable));
            Assert.Equal(404, (await root.Get($"/orgs/ME{path}")).Status);
            Assert.Equal(401, (await app.Stranger.Get($"/orgs/ME{path}")).Status);
        }
        (await admin.Patch("/orgs/ME", new { name = "other" })).Is(403);
        (await admin.Send(HttpMethod.Put, "/orgs/ME", "{}")).IsProblem(405, "method-not-allowed");
        (await admin.Get("/orgs/me/chats/ABC")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task HEAD_says_what_GET_would_and_nothing_more()
    {
        var fixture = await MatrixFixture.Set(app);
        var endpoints = app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();
        Assert.All(endpoints, endpoint => Assert.Equal(Methods(endpoint).Contains("GET"), Methods(endpoint).Contains("HEAD")));

        foreach (var line in Matrix.Lines.Where(line => line.Method == HttpMethod.Get))
        {
            foreach (var kind in new[] { "admin", "superadmin", "viewer", "nobody", "a key" }.Select(fixture.Named))
            {
                var path = MatrixFixture.Path(line, kind, await fixture.Things(line, fixture.Acme));
                var get = await kind.Caller.Get(path);
                var head = await kind.Caller.Send(HttpMethod.Head, path);

                Assert.Equal(get.Status, head.Status);
                Assert.Empty(head.Body);
                Assert.Equal(Headers(get), Headers(head));
                if (get.Header("Content-Length") is { } length && !line.Path.EndsWith("/metrics", StringComparison.Ordinal))
                    Assert.Equal(length, head.Header("Content-Length"));
            }
        }

        static IReadOnlyList<string> Methods(RouteEndpoint endpoint) => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods;
        // Transfer-Encoding describes the transfer and not the representation.
        static IEnumerable<string> Headers(Answer answer) => answer.Headers
            .Where(header => header.Key is not ("Date" or "Transfer-Encoding" or "Content-Length"))
            .Select(header => $"{header.Key}: {header.Value}")
            .Order(StringComparer.Ordinal);
    }
}
