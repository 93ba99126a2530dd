namespace ChatLogger.Tests.Auth;

public partial class CorsTests
{
    [Fact]
    public async Task A_page_can_read_all_responses_of_the_plugin_API()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();

        foreach (var origin in new[] { Shop, null })
        {
            foreach (
                var answer in new[]
                {
                    (await Ask("POST", $"{acme.ApiPath}/chats", origin, plugin, "{}")).Is(201),
                    (await Ask("POST", $"{acme.ApiPath}/chats", origin, plugin, "{")).Is(400),
                    (await Ask("POST", $"{acme.ApiPath}/chats", origin, null, "{}")).Is(401),
                    (await Ask("POST", "/api/v1/orgs/globex/chats", origin, plugin, "{}")).Is(404),
                    (await Ask("GET", "/api/v1/nowhere", origin)).Is(404),
                    (await Ask("DELETE", $"{acme.ApiPath}/chats", origin)).Is(405),
                    (
                        await Wire.Ask(
                            app.Address,
                            "POST",
                            $"{acme.ApiPath}/chats",
                            $"Origin: {origin}",
                            "Content-Type: application/json",
                            "Content-Length: 9999999")
                    ).Is(413),
                    (
                        await plugin.Send(
                            HttpMethod.Post,
                            $"{acme.ApiPath}/chats",
                            new StringContent("{}"),
                            request => request.Headers.TryAddWithoutValidation("Origin", origin))
                    ).Is(415),
                })
            {
                Assert.Equal("*", answer.Header("Access-Control-Allow-Origin"));
                Assert.Null(answer.Header("Access-Control-Allow-Credentials"));
                Assert.Superset(
                    new HashSet<string> { "Location", "Retry-After", "Idempotent-Replayed" },
                    Listed(answer, "Access-Control-Expose-Headers").ToHashSet());
            }
        }
    }

    [Fact]
    public async Task Only_allowed_origins_can_read_the_responses_of_the_dashboard_API()
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;

        foreach (
            var (method, path, status) in new[]
            {
                ("GET", "/users/me", 200),
                ("GET", "/orgs/me/apikeys", 403),
                ("GET", "/orgs/globex/chats", 404),
                ("DELETE", "/users/me", 405),
                ("GET", "/users/me?x=1", 400),
            })
        {
            var answer = (await Ask(method, path, Dashboard, viewer)).Is(status);
            Assert.Equal(Dashboard, answer.Header("Access-Control-Allow-Origin"));
            Assert.Equal("true", answer.Header("Access-Control-Allow-Credentials"));
            Assert.Equal("Origin", answer.Header("Vary"));

            foreach (var origin in new[] { null, Shop, "null", $"{Dashboard}, {Dashboard}" })
            {
                var other = (await Ask(method, path, origin, viewer)).Is(status);
                Assert.DoesNotContain(other.Headers.Keys, IsCors);
                Assert.Equal("Origin", other.Header("Vary"));
            }
        }

        var login = (await Ask("POST", "/auth/login", Dashboard, null, """{"email":"a@b.example","password":"p"}""")).IsSafeProblem(
            401,
            "unauthenticated");
        Assert.Equal(Dashboard, login.Header("Access-Control-Allow-Origin"));
        var foreign = (await Ask("POST", "/auth/login", Shop, null, """{"email":"a@b.example","password":"p"}""")).IsSafeProblem(
            403,
            "forbidden");
        Assert.DoesNotContain(foreign.Headers.Keys, IsCors);
    }

    [Fact]
    public async Task Several_origins_are_refused()
    {
        var acme = await app.Org("acme");
        var admin = $"Cookie: {(await acme.Admin()).Credential}";
        string[] body = ["Content-Type: application/json", "Content-Length: 0"];

        foreach (var second in new[] { Dashboard, Shop, "", $"http://{app.Address.Authority}" })
        {
            var answer = (
                await Wire.Ask(app.Address, "POST", "/orgs/me/apikeys", [admin, $"Origin: {Dashboard}", $"Origin: {second}", .. body])
            ).IsSafeProblem(403, "forbidden");
            Assert.DoesNotContain(answer.Headers.Keys, IsCors);
        }
        (
            await Wire.Ask(
                app.Address,
                "POST",
                "/orgs/me/apikeys",
                [admin, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site", .. body])
        ).IsSafeProblem(403, "forbidden");
        (await Wire.Ask(app.Address, "POST", "/orgs/me/apikeys", [admin, $"Origin: {Dashboard}", .. body])).IsSafeProblem(
            400,
            "validation");
    }

    [Fact]
    public async Task A_foreign_page_is_refused_after_authentication_and_route_and_before_validation()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("viewer");

        (await Ask("POST", "/orgs/me/apikeys", Shop, null, "{")).IsSafeProblem(401, "unauthenticated");
        (await Ask("POST", "/orgs/globex/apikeys", Shop, member.Caller, "{")).IsSafeProblem(404, "not-found");
        (await Ask("DELETE", $"/orgs/me/apikeys/{Guid.NewGuid()}", Shop, await acme.Admin())).IsSafeProblem(403, "forbidden");
        (await Ask("PATCH", "/users/me", Shop, member.Caller, "{")).IsSafeProblem(403, "forbidden");
        (await Ask("POST", "/auth/login", Shop, null, "{")).IsSafeProblem(403, "forbidden");
        (await Ask("GET", "/users/me", Shop, member.Caller)).Is(200);
        (await Ask("PATCH", "/users/me", Shop, member.Caller, "name=changed", "application/x-www-form-urlencoded")).IsSafeProblem(
            415,
            "unsupported-media-type");
    }
}
