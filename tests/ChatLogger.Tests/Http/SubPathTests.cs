using ChatLogger.Configuration;
using ChatLogger.Http;
using ChatLogger.Tests.Features.Exports;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Http;

/// <summary>The service below a sub-path of its host, behind a proxy that may send another prefix.</summary>
public class SubPathApp : ProxiedApp
{
    private protected override IEnumerable<KeyValuePair<string, string?>> Set => [new("PathBase", "/chatlogger/")];
}

public class SubPathTests(SubPathApp app) : IClassFixture<SubPathApp>
{
    private const string Base = "/chatlogger";

    [Theory]
    [InlineData(Base)]
    // A proxy has taken it off: the addresses that are answered are as the caller knows them all the same.
    [InlineData("")]
    public async Task Every_address_that_is_answered_begins_with_it(string sent)
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("admin");
        var plugin = app.Stranger.WithKey(await acme.Key());

        var login = (await app.Stranger.Post($"{sent}/auth/login", new { email = ann.Email, password = Persona.Password })).Is(200);
        Assert.Matches(
            "^__Secure-chatlogger=[A-Za-z0-9_.-]+; max-age=43200; path=/chatlogger; secure; samesite=strict; httponly$",
            login.Header("Set-Cookie"));
        var admin = app.Stranger.WithCookie(login.Header("Set-Cookie")!.Split(';')[0]);

        var chat = (await plugin.Post($"{sent}/api/v1/orgs/{acme.Slug}/chats", new { })).Is(201);
        Assert.Equal($"{Base}/api/v1/orgs/{acme.Slug}/chats/{chat.Text("id")}", chat.Header("Location"));
        var message = (
            await plugin.Post($"{sent}/api/v1/orgs/{acme.Slug}/chats/{chat.Text("id")}/messages", new { role = "user", content = "a" })
        ).Is(201);
        Assert.StartsWith($"{Base}/api/v1/orgs/", message.Header("Location"), StringComparison.Ordinal);
        var key = (await admin.Post($"{sent}/orgs/me/apikeys", new { label = "a" })).Is(201);
        Assert.StartsWith($"{Base}/orgs/me/apikeys/", key.Header("Location"), StringComparison.Ordinal);
        var export = (await admin.Post($"{sent}/exports/orgs/me", new { format = "jsonl", mode = "async" })).Is(202);
        Assert.StartsWith($"{Base}/exports/orgs/me/", export.Header("Location"), StringComparison.Ordinal);
        (await admin.Ended(export.Header("Location")!)).Is(200);

        Assert.Contains(
            $"\"url\":\"{Base}\"",
            (await app.Stranger.Get($"{sent}/openapi/v1.json")).Is(200).Body.Replace(" ", "", StringComparison.Ordinal),
            StringComparison.Ordinal);
        Assert.Equal($"{Base}/docs", (await app.Stranger.Get($"{sent}/")).Is(200).Text("docs"));
        (await app.Stranger.Get($"{sent}/healthz/ready")).Is(200);
        (await app.Stranger.Get($"{sent}/docs/index.html")).Is(200);
        Assert.DoesNotMatch("(?:src|href)=\"/(?!chatlogger/)", (await app.Stranger.Get($"{sent}/app/")).Is(200).Body);
        (await admin.Post($"{sent}/auth/logout")).Is(204);
    }

    [Fact]
    public async Task Its_bare_address_is_the_home_page_and_another_path_is_not_it()
    {
        (await app.Stranger.Get(Base)).Is(200);
        (await app.Stranger.Get($"{Base}/")).Is(200);
        (await app.Stranger.Get("/chatloggers/version")).IsProblem(404, "not-found");
        (await app.Stranger.Get("/CHATLOGGER/version")).IsProblem(404, "not-found");
        (await app.Stranger.Get($"{Base}{Base}/version")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task A_trusted_proxy_says_another_prefix_and_nothing_else()
    {
        var acme = await app.Org("acme");
        var plugin = app.Stranger.WithKey(await acme.Key());
        async Task<string> Location(string prefix, string path = "") => (await plugin.Send(
            HttpMethod.Post, $"{path}/api/v1/orgs/{acme.Slug}/chats", Caller.Json("{}"u8.ToArray()), request =>
            {
                request.Headers.Add("X-Forwarded-For", "203.0.113.7");
                request.Headers.TryAddWithoutValidation("X-Forwarded-Prefix", prefix);
            })).Is(201).Header("Location")!.Split("/api/")[0];

        Assert.Equal("/logs", await Location("/logs"));
        Assert.Equal("/logs", await Location("/logs/"));
        Assert.Equal("/a/b-c", await Location("/a/b-c"));
        Assert.Equal("/logs", await Location("/logs", "/logs"));
        // Anything else than a plain path could make an address of another host.
        foreach (
            var hostile in new[]
            {
                "//evil.example",
                "/\\evil.example",
                "/a/../b",
                "/..",
                "/a b",
                "/a?b",
                "/a#b",
                "/%2f%2fevil.example",
                $"/{new string('a', 300)}",
            })
            Assert.Equal(Base, await Location(hostile));
    }

    [Theory]
    [InlineData("chatlogger")]
    [InlineData("/a//b")]
    [InlineData("//host")]
    [InlineData("/a/../b")]
    [InlineData("/a b")]
    [InlineData("/{org}")]
    public void An_invalid_path_refuses_the_start(string text)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("PathBase", text)]).Build();

        Assert.StartsWith(
            "PathBase must be a path",
            Assert.Throws<StartupException>(() => BasePath.Read(configuration)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/")]
    public void None_is_the_root(string? text) =>
        Assert.False(BasePath.Read(new ConfigurationBuilder().AddInMemoryCollection([new("PathBase", text)]).Build()).Configured.HasValue);
}
