using System.Text;
using ChatLogger.Tests.Support;
using static ChatLogger.Testing.AnswerRules;

namespace ChatLogger.Tests.Contracts;

/// <summary>Refusals of the framework are problems as those of the service, in every environment.</summary>
public abstract partial class ProblemTests(App app)
{
    public sealed class InProduction(LeasedApp app) : ProblemTests(app), IClassFixture<LeasedApp>;

    public sealed class InDevelopment(DevelopmentApp app) : ProblemTests(app), IClassFixture<DevelopmentApp>;

    [Theory]
    [InlineData("GET", "/index.html")]
    [InlineData("GET", $"/{Marker}")]
    [InlineData("GET", $"/{Marker}?{Marker}={Marker}")]
    [InlineData("DELETE", "/organizations")]
    [InlineData("GET", "/api/v1/orgs/acme")]
    [InlineData("GET", $"/orgs/me/{Marker}")]
    [InlineData("GET", $"/%2e%2e/{Marker}")]
    [InlineData("GET", "/users//me")]
    [InlineData("GET", "/USERS/ME/x")]
    [InlineData("OPTIONS", "/nowhere")]
    [InlineData("POST", $"/{Marker}")]
    public async Task A_path_that_leads_nowhere_is_404(string method, string path)
    {
        foreach (var content in new[] { null, Caller.Json("{}"u8.ToArray()), new StringContent(Marker), new ByteArrayContent([1]) })
        {
            if (content is null || method == "POST")
                (await app.Stranger.Send(new(method), path, content, _ => { })).IsSafeProblem(404, "not-found");
        }
    }

    [Theory]
    [InlineData("DELETE", "/users/me", "GET, HEAD, PATCH")]
    [InlineData("HEAD", "/auth/login", "POST")]
    [InlineData("GET", "/auth/login", "POST")]
    [InlineData("PUT", "/auth/logout", "POST")]
    [InlineData("PUT", $"/api/v1/orgs/{Marker}/chats", "GET, HEAD, POST")]
    [InlineData("OPTIONS", "/orgs/me/chats", "GET, HEAD, POST")]
    [InlineData("TRACE", "/orgs/me/apikeys", "GET, HEAD, POST")]
    [InlineData(Marker, "/healthz/live", "GET, HEAD")]
    public async Task A_method_that_a_path_does_not_know_is_405_and_says_what_it_knows(string method, string path, string allow)
    {
        foreach (var content in new[] { null, new StringContent(Marker) })
        {
            if (content is not null && method is not "PUT" and not "DELETE")
                continue;
            var answer = await app.Stranger.Send(new(method), path, content, _ => { });

            // A response to HEAD has only a head.
            if (method == "HEAD")
                answer.Is(405).HasSecurityHeaders();
            else
                answer.IsSafeProblem(405, "method-not-allowed");
            Assert.Equal(allow.Split(", "), answer.Header("Allow")!.Split(", ").Order());
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("text/json")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData($"multipart/form-data; boundary={Marker}")]
    [InlineData("application/octet-stream")]
    [InlineData("application/jsonx")]
    [InlineData($"{Marker}/{Marker}")]
    public async Task A_body_that_does_not_say_it_is_JSON_is_415(string? contentType)
    {
        var acme = await app.Org("acme");
        foreach (
            var (caller, path) in new[]
            {
                (await acme.Plugin(), $"{acme.ApiPath}/chats"),
                (app.Stranger, "/auth/login"),
                (await acme.Admin(), "/orgs/me/apikeys"),
                (await acme.Admin(), "/auth/logout"),
                (app.Stranger, "/auth/logout"),
            })
        {
            var content = new ByteArrayContent(Encoding.UTF8.GetBytes($"{{\"title\":\"{Marker}\"}}"));
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
            (await caller.Send(HttpMethod.Post, path, content, _ => { })).IsSafeProblem(415, "unsupported-media-type");
        }
        Assert.Equal(0, await acme.Count("chats"));
        Assert.Equal(
            2,
            await app.Value<long>("select count(*) from sessions s join users u on u.id = s.user_id where u.org_id = @Id", new { acme.Id })
        );
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("GZIP")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData($"identity, {Marker}")]
    public async Task An_encoded_body_is_415(string encoding)
    {
        var acme = await app.Org("acme");
        foreach (var (caller, path) in new[] { (await acme.Plugin(), $"{acme.ApiPath}/chats"), (app.Stranger, "/auth/login") })
        {
            var content = Caller.Json("{}"u8.ToArray());
            content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
            (await caller.Send(HttpMethod.Post, path, content, _ => { })).IsSafeProblem(415, "unsupported-media-type");
        }
        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task Every_other_answer_has_the_headers_too()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat();

        (await app.Stranger.Get("/healthz/live")).Is(200).HasSecurityHeaders();
        (await app.Stranger.Get("/healthz/ready")).Is(200).HasSecurityHeaders();
        (await app.Stranger.Get("/version")).Is(200).HasSecurityHeaders();
        (await admin.Get("/orgs/me/chats")).Is(200).HasSecurityHeaders();
        (await admin.Get($"/orgs/me/chats/{Guid.NewGuid()}")).IsSafeProblem(404, "not-found");
        (await admin.Get($"/orgs/me/chats/{chat}?{Marker}={Marker}")).IsSafeProblem(400, "validation");
        (await admin.Get($"/orgs/{Marker}/chats")).IsSafeProblem(404, "not-found");
        (await admin.Get($"/orgs/me/chats?cursor={Marker}")).IsSafeProblem(400, "validation");
        (await app.Stranger.WithKey(Marker).Post($"/api/v1/orgs/{Marker}/chats", new { })).IsSafeProblem(401, "unauthenticated");
        (await app.Stranger.WithCookie($"__Host-chatlogger={Marker}").Get("/users/me")).IsSafeProblem(401, "unauthenticated");
        (await app.Stranger.Post("/auth/login", new { email = $"{Marker}@x.example", password = Marker })).IsSafeProblem(
            401,
            "unauthenticated");
        (await (await acme.Member("viewer")).Caller.Get("/orgs/me/apikeys")).IsSafeProblem(403, "forbidden");
        (
            await admin.Send(HttpMethod.Post, "/auth/logout", null, request => request.Headers.Add("Origin", $"https://{Marker}.example"))
        ).IsSafeProblem(403, "forbidden");
        (await (await app.Superadmin()).Get("/orgs/me/chats")).IsSafeProblem(409, "no-organization");
        (await admin.Post("/auth/logout")).Is(204).HasSecurityHeaders();
    }
}
