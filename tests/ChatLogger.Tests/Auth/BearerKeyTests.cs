using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Auth;

/// <summary>A key may come as <c>Authorization: Bearer</c>, too.</summary>
public class BearerKeyTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task A_key_is_taken_from_either_header()
    {
        var acme = await app.Org("acme");
        var key = await acme.Key();

        foreach (var scheme in new[] { "Bearer", "bearer", "BEARER" })
            (await Ask(acme, null, $"{scheme} {key}")).Is(201);
        // The service ignores credentials meant for a proxy on the way.
        (await Ask(acme, key, "Basic YWNtZTphY21l")).Is(201);

        Assert.Equal(4, await acme.Count("chats"));
    }

    [Fact]
    public async Task Two_keys_are_refused_even_if_equal()
    {
        var acme = await app.Org("acme");
        var key = await acme.Key();
        var nobody = (await app.Stranger.Post($"{acme.ApiPath}/chats", "{}")).IsProblem(401, "unauthenticated");

        foreach (var refused in new[]
                 {
                     await Ask(acme, key, $"Bearer {key}"),
                     await Ask(acme, key, "Bearer clk_junk"),
                     await Ask(acme, null, $"Bearer {key}", $"Bearer {key}"),
                     await Ask(acme, null, $"Bearer {key}, Bearer {key}"),
                     await Ask(acme, null, $"Bearer{key}"),
                     await Ask(acme, null, "Bearer "),
                     await Ask(acme, null, key),
                     await Ask(acme, null, $"Basic {key}"),
                 })
        {
            Assert.Equal(nobody.Comparable, refused.IsProblem(401, "unauthenticated").Comparable);
            Assert.Equal("ApiKey", refused.Header("WWW-Authenticate"));
        }
        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task It_opens_no_route_of_members()
    {
        var acme = await app.Org("acme");
        var bearer = app.Stranger.WithToken(await acme.Key());

        foreach (var path in new[] { "/users/me", "/orgs/me", "/orgs/me/chats", "/exports/orgs/me" })
            (await bearer.Get(path)).IsProblem(401, "unauthenticated");
    }

    [Fact]
    public async Task A_page_may_send_it()
    {
        var answer = await app.Stranger.Send(HttpMethod.Options, "/api/v1/orgs/acme/chats", null, request =>
        {
            request.Headers.Add("Origin", "https://shop.example");
            request.Headers.Add("Access-Control-Request-Method", "POST");
        });

        Assert.Contains("authorization", answer.Is(204).Header("Access-Control-Allow-Headers")!.Split(", "));
    }

    private Task<Answer> Ask(Org org, string? key, params string[] authorizations) =>
        app.Stranger.Send(HttpMethod.Post, $"{org.ApiPath}/chats", Caller.Json("{}"u8.ToArray()), request =>
        {
            if (key is not null)
                request.Headers.Add("x-organization-api-key", key);
            foreach (var authorization in authorizations)
                request.Headers.TryAddWithoutValidation("Authorization", authorization);
        });
}
