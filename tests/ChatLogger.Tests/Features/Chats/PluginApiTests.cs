using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>Only holders of a key of the organization may write through the plugin API.</summary>
public class PluginApiTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task Every_invalid_key_gets_the_same_answer_and_nothing_is_written()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var good = await acme.Key();
        var revoked = await acme.Key();
        await app.Execute("update api_keys set revoked_at = now() where public_id = @PublicId", new { PublicId = revoked[4..20] });
        var expired = await acme.Key();
        await app.Execute("update api_keys set expires_at = created_at where public_id = @PublicId", new { PublicId = expired[4..20] });
        var lastChanged = good[..^1] + (good[^1] == 'a' ? 'b' : 'a');
        string[] wrong = ["", "x", "Bearer " + good, lastChanged, ApiKey.Generate().Text, revoked, expired, good.ToUpperInvariant()];

        foreach (var route in new[] { $"{acme.ApiPath}/chats", $"{acme.ApiPath}/chats/{chat}/messages", "/api/v1/orgs/no-such-org/chats" })
        {
            var without = (await app.Stranger.Post(route, new { role = "user", content = "x" })).IsProblem(401, "unauthenticated");
            Assert.Equal("ApiKey", without.Header("WWW-Authenticate"));
            foreach (var key in wrong)
            {
                var answer = await app.Stranger.WithKey(key).Post(route, new { role = "user", content = "x" });
                Assert.Equal(without.Comparable, answer.IsProblem(401, "unauthenticated").Comparable);
                Assert.Equal("ApiKey", answer.Header("WWW-Authenticate"));
            }
            var twice = await app.Stranger.Send(HttpMethod.Post, route, Caller.Json("{}"u8.ToArray()), request =>
            {
                request.Headers.TryAddWithoutValidation(AuthorizationMiddleware.KeyHeader, good);
                request.Headers.TryAddWithoutValidation(AuthorizationMiddleware.KeyHeader, good);
            });
            Assert.Equal(without.Comparable, twice.IsProblem(401, "unauthenticated").Comparable);
        }
        Assert.Equal(1, await acme.Count("chats"));
        Assert.Equal(0, await acme.Count("messages"));
    }

    [Theory]
    [InlineData("admin")]
    [InlineData("user")]
    [InlineData("viewer")]
    public async Task A_member_is_no_plugin(string role)
    {
        var acme = await app.Org("acme");
        var member = (await acme.Member(role)).Caller;

        (await member.Post($"{acme.ApiPath}/chats", new { })).IsProblem(401, "unauthenticated");
        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_superadmin_is_no_plugin()
    {
        var acme = await app.Org("acme");

        (await (await app.Superadmin()).Post($"{acme.ApiPath}/chats", new { })).IsProblem(401, "unauthenticated");
    }

    [Fact]
    public async Task A_key_without_the_scope_is_refused_with_the_scope()
    {
        var acme = await app.Org("acme");
        var plugin = app.Stranger.WithKey(await acme.Key(KeyScope.Import));

        var answer = await plugin.Post($"{acme.ApiPath}/chats", new { });

        answer.IsProblem(403, "forbidden");
        Assert.Equal(0, await acme.Count("chats"));
        Assert.Contains(
            app.Log.All,
            line => line.Contains("access.denied", StringComparison.Ordinal) && line.Contains(acme.Id.ToString(), StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_key_bound_to_origins_serves_pages_of_those_and_callers_without_one()
    {
        var acme = await app.Org("acme");
        var key = await app.Send(
            new CreateApiKey.Command(acme.Id, "web", [KeyScope.Ingest], null, ["https://shop.example"], ApiKey.Generate(), Persona.Operator)
        );
        Task<Answer> From(string? origin) =>
            app
                .Stranger.WithKey(key.Key)
                .Send(
                    HttpMethod.Post,
                    $"{acme.ApiPath}/chats",
                    Caller.Json("{}"u8.ToArray()),
                    request => request.Headers.TryAddWithoutValidation("Origin", origin ?? "x"));

        (await From("https://shop.example")).Is(201);
        (await app.Stranger.WithKey(key.Key).Post($"{acme.ApiPath}/chats", new { })).Is(201);
        foreach (var origin in new[] { "https://evil.example", "http://shop.example", "https://shop.example:8443", "null" })
            (await From(origin)).IsProblem(403, "forbidden");
        Assert.Equal(2, await acme.Count("chats"));
    }

    [Fact]
    public async Task The_keys_of_a_deleted_organization_stop_working()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        await app.Execute("update organizations set deleted_at = now() where id = @Id", new { acme.Id });

        (await plugin.Post($"{acme.ApiPath}/chats", new { })).IsProblem(401, "unauthenticated");
    }
}
