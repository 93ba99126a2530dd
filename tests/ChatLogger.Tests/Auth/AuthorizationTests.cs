using ChatLogger.Auth;
using ChatLogger.Http;
using ChatLogger.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using NSubstitute;
using Problem = ChatLogger.Http.ProblemException;

namespace ChatLogger.Tests.Auth;

/// <summary>How the authorization middleware queries the key validators.</summary>
public sealed class AuthorizationTests(App app) : IClassFixture<App>
{
    private readonly IApiKeyValidator _first = Substitute.For<IApiKeyValidator>();
    private readonly IApiKeyValidator _second = Substitute.For<IApiKeyValidator>();
    private readonly ApiKey _key = ApiKey.Generate();
    private bool _passed;

    [Fact]
    public async Task The_first_validator_that_knows_the_key_answers_and_the_next_is_not_asked()
    {
        Knows(_first, "acme");
        Knows(_second, "globex");

        var context = await Ask("acme", _key.Text);

        Assert.True(_passed);
        Assert.Equal("acme", context.Features.Get<PluginCaller>()!.OrgSlug);
        Assert.Equal(_key.PublicId, context.Features.Get<PluginCaller>()!.KeyPublicId);
        await _second.DidNotReceiveWithAnyArgs().Validate(default!, default);
    }

    [Fact]
    public async Task A_key_that_the_first_does_not_know_is_put_to_the_next()
    {
        Knows(_second, "globex");

        var context = await Ask("globex", _key.Text);

        Assert.Equal("globex", context.Features.Get<PluginCaller>()!.OrgSlug);
        await _first.Received(1).Validate(_key, Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task An_unknown_key_is_refused()
    {
        await IsRefused(401, "acme", _key.Text);

        await _first.Received(1).Validate(_key, Arg.Any<CancellationToken>());
        await _second.Received(1).Validate(_key, Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task A_malformed_key_is_not_looked_up()
    {
        Knows(_first, "acme");
        var mistyped = _key.Text[..^1] + (_key.Text[^1] == 'a' ? 'b' : 'a');

        await IsRefused(401, "acme");
        await IsRefused(401, "acme", mistyped);
        await IsRefused(401, "acme", _key.Text, _key.Text);
        await IsRefused(401, "acme", _key.Text, "");
        await IsRefused(401, "acme", $"{_key.Text},{_key.Text}");

        await _first.DidNotReceiveWithAnyArgs().Validate(default!, default);
        await _second.DidNotReceiveWithAnyArgs().Validate(default!, default);
    }

    [Fact]
    public async Task The_organization_of_the_key_decides_and_not_the_path()
    {
        Knows(_first, "acme", "import");
        await IsRefused(404, "globex", _key.Text);
        await IsRefused(404, "me", _key.Text);
        await IsRefused(403, "acme", _key.Text);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("https://shop.example", true)]
    [InlineData("https://shop.example:8443", false)]
    [InlineData("http://shop.example", false)]
    [InlineData("https://evil.example", false)]
    [InlineData("null", false)]
    [InlineData("https://SHOP.example", false)]
    public async Task A_key_with_origins_is_for_browsers_of_these_origins(string? origin, bool passes)
    {
        _first
            .Validate(_key, Arg.Any<CancellationToken>())
            .Returns(new ApiKeyGrant(Guid.NewGuid(), "acme", ["ingest"], ["https://shop.example"]));
        void Change(HttpContext context) => context.Request.Headers.Origin = origin;

        if (passes)
            await Ask("acme", Change, _key.Text);
        else
            Assert.Equal(403, (await Assert.ThrowsAsync<Problem>(() => Ask("acme", Change, _key.Text))).Type.Status);
        Assert.Equal(passes, _passed);
    }

    [Fact]
    public async Task An_endpoint_without_a_policy_refuses_every_caller()
    {
        var context = Context("acme", [_key.Text], []);

        await Assert.ThrowsAsync<InvalidOperationException>(() => Gate().InvokeAsync(context));

        Assert.False(_passed);
    }

    [Fact]
    public async Task Two_lines_with_a_key_are_refused_on_the_wire()
    {
        var acme = await app.Org("acme");
        var line = $"x-organization-api-key: {(await acme.Plugin()).Credential}";
        string[] body = ["Content-Type: application/json", "Content-Length: 2"];

        (await Wire.Ask(app.Address, "POST", $"{acme.ApiPath}/chats", [line, line, .. body])).IsProblem(401, "unauthenticated");
        (await Wire.Ask(app.Address, "POST", $"{acme.ApiPath}/chats", [line, "x-organization-api-key: ", .. body])).IsProblem(
            401,
            "unauthenticated");

        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_key_ends_with_its_time_by_the_clock_with_its_revocation_and_with_its_organization()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var expires = app.Clock.GetUtcNow().AddHours(1);
        var made = (await admin.Post("/orgs/me/apikeys", new { label = "a", expiresAt = expires.ToString("O") })).Is(201);
        var other = (await admin.Post("/orgs/me/apikeys", new { label = "b" })).Is(201);
        var third = app.Stranger.WithKey(await acme.Key());
        Task<Answer> Use(string key) => app.Stranger.WithKey(key).Post($"{acme.ApiPath}/chats", "{}");

        (await Use(made.Text("key"))).Is(201);
        app.Clock.Advance(TimeSpan.FromMinutes(61));
        (await Use(made.Text("key"))).IsProblem(401, "unauthenticated");
        (await Use(other.Text("key"))).Is(201);
        (await admin.Delete($"/orgs/me/apikeys/{other.Text("id")}")).Is(204);
        (await Use(other.Text("key"))).IsProblem(401, "unauthenticated");
        (await third.Post($"{acme.ApiPath}/chats", "{}")).Is(201);
        await app.Execute("update organizations set deleted_at = now() where id = @Id", new { acme.Id });
        app.Clock.Advance(TimeSpan.FromSeconds(5));
        (await third.Post($"{acme.ApiPath}/chats", "{}")).IsProblem(401, "unauthenticated");

        Assert.Equal(3, await acme.Count("chats"));
    }

    private void Knows(IApiKeyValidator validator, string slug, string scope = "ingest") =>
        validator.Validate(_key, Arg.Any<CancellationToken>()).Returns(new ApiKeyGrant(Guid.NewGuid(), slug, [scope], []));

    private async Task IsRefused(int status, string slug, params string[] keys)
    {
        Assert.Equal(status, (await Assert.ThrowsAsync<Problem>(() => Ask(slug, keys))).Type.Status);
        Assert.False(_passed);
    }

    private Task<HttpContext> Ask(string slug, params string[] keys) => Ask(slug, _ => { }, keys);

    private async Task<HttpContext> Ask(string slug, Action<HttpContext> change, params string[] keys)
    {
        var context = Context(slug, keys, [EndpointPolicy.Key(KeyScope.Ingest)]);
        change(context);
        await Gate().InvokeAsync(context);
        return context;
    }

    private AuthorizationMiddleware Gate() =>
        new(
            _ =>
            {
                _passed = true;
                return Task.CompletedTask;
            },
            new ApiKeyCache(
                [_first, _second],
                new KeyCacheSettings(),
                app.Services.GetRequiredService<LastUsedTracker>(),
                app.Clock,
                app.Services.GetRequiredService<Instruments>()),
            app.Services.GetRequiredService<SessionAuthenticator>(),
            app.Services.GetRequiredService<OriginCheck>(),
            new IngestActivity(),
            app.Services.GetRequiredService<RateLimiters>(),
            app.Services.GetRequiredService<AuditLog>(),
            new TelemetrySettings());

    private static DefaultHttpContext Context(string slug, string[] keys, object[] metadata)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = "POST";
        context.Request.Headers[ChatLogger.Auth.AuthorizationMiddleware.KeyHeader] = keys;
        context.Request.RouteValues["slug"] = slug;
        context.SetEndpoint(
            new RouteEndpoint(_ => Task.CompletedTask, RoutePatternFactory.Parse("/"), 0, new EndpointMetadataCollection(metadata), "test")
        );
        return context;
    }
}
