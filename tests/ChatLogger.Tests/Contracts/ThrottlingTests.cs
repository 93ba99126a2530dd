using System.Globalization;
using ChatLogger.Auth;
using ChatLogger.Features;

namespace ChatLogger.Tests.Contracts;

/// <summary>401, then 429, then everything else; requests are counted by caller.</summary>
public class ThrottlingTests : IClassFixture<ShortTimeoutApp>
{
    private readonly ShortTimeoutApp _app;

    public ThrottlingTests(ShortTimeoutApp app)
    {
        _app = app;
        app.Clock.Stop();
    }

    [Fact]
    public async Task A_key_has_one_burst_for_every_spelling_of_header_and_path_and_does_not_limit_another_key()
    {
        var acme = await _app.Org("acme");
        var globex = await _app.Org("globex");
        var key = await acme.Key();
        var hasty = _app.Stranger.WithKey(key);

        await Exhaust(() => hasty.Post($"{acme.ApiPath}/chats", "{}"), 201, 5);
        // 429 before the slug, the body and the resource; 401 before 429.
        foreach (
            var refused in new[]
            {
                await hasty.Post("/api/v1/orgs/no-such-org/chats", "{}"),
                await hasty.Post($"{globex.ApiPath}/chats", "{}"),
                await hasty.Post($"{acme.ApiPath}/chats?x=1", "{"),
                await hasty.Post($"{acme.ApiPath}/chats/", "{}"),
                await hasty.Post($"{acme.ApiPath}/chats/{Guid.NewGuid()}/messages", "{}"),
                await _app.Stranger.Send(
                    HttpMethod.Post,
                    $"{acme.ApiPath}/chats",
                    Caller.Json("{}"u8.ToArray()),
                    request => request.Headers.Add("X-ORGANIZATION-API-KEY", key)),
            })
            Assert.Equal(1, Wait(refused));
        (await _app.Stranger.WithKey(key[..^1] + (key[^1] == 'a' ? 'b' : 'a')).Post($"{acme.ApiPath}/chats", "{}")).IsProblem(
            401,
            "unauthenticated");
        (await _app.Stranger.WithKey(await acme.Key()).Post($"{acme.ApiPath}/chats", "{}")).Is(201);
        (await (await globex.Plugin()).Post($"{globex.ApiPath}/chats", "{}")).Is(201);

        _app.Clock.Advance(TimeSpan.FromSeconds(1));
        (await hasty.Post($"{acme.ApiPath}/chats", "{}")).Is(201);
        var publicId = ApiKey.Parse(key)!.PublicId;
        Assert.Equal(
            1,
            await _app.Value<long>(
                "select count(*) from audit_events where org_id = @Id and action = 'throttled' and actor_type = 'key' and actor_id = "
                    + "@publicId",
                new { acme.Id, publicId }));
        Assert.DoesNotContain(_app.Log.All, line => line.Contains(key, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_key_of_a_page_is_limited_per_address()
    {
        var acme = await _app.Org("acme");
        var made = await acme.App.Send(new CreateApiKey.Command(
            acme.Id, "page", [KeyScope.Ingest], null, ["https://shop.example"], ApiKey.Generate(), Persona.Operator));
        Task<Answer> Ask(string address, string path) =>
            _app.Stranger.WithKey(made.Key).Send(HttpMethod.Post, $"{acme.ApiPath}/{path}", Caller.Json("{}"u8.ToArray()), request =>
                request.Headers.Add("X-Forwarded-For", address));

        for (var i = 0; i < 3; i++)
            (await Ask("192.0.2.1", "chats")).Is(201);
        Assert.InRange(Wait(await Ask("192.0.2.1", "chats")), 1, 60);
        (await Ask("192.0.2.2", "chats")).Is(201);
    }

    [Fact]
    public async Task After_sixty_wrong_tokens_an_address_waits_with_them_and_the_operators_token_does_not()
    {
        Task<Answer> Read(string address, string? token) => _app.Stranger.Send(HttpMethod.Get, "/metrics", null, request =>
        {
            request.Headers.Add("X-Forwarded-For", address);
            if (token is not null)
                request.Headers.Add("Authorization", $"Bearer {token}");
        });

        for (var i = 0; i < 60; i++)
            (await Read($"2001:db8:9:9::{i:x}", $"wrong-token-{i}")).IsProblem(401, "unauthenticated");

        Wait(await Read("2001:db8:9:9::ffff", "wrong-token"));
        // A request without a token is not an attempt.
        (await Read("2001:db8:9:9::ffff", null)).IsProblem(401, "unauthenticated");
        (await Read("2001:db8:9:9::ffff", Persona.OperatorToken)).Is(200);
        (await Read("2001:db8:9:a::1", "wrong-token")).IsProblem(401, "unauthenticated");
    }

    [Fact]
    public async Task After_sixty_invalid_keys_an_address_waits_with_them_and_a_valid_key_does_not()
    {
        var acme = await _app.Org("acme");
        var valid = await acme.Key();
        Task<Answer> Send(string address, string? key, string path = "") =>
            _app.Stranger.Send(
                HttpMethod.Post,
                $"{acme.ApiPath}/chats{path}",
                Caller.Json("{}"u8.ToArray()),
                request =>
                {
                    request.Headers.Add("X-Forwarded-For", address);
                    if (key is not null)
                        request.Headers.Add("x-organization-api-key", key);
                });

        for (var i = 0; i < 60; i++)
            (
                await Send(
                    $"2001:db8:7:7::{i:x}",
                    (i % 3) switch
                    {
                        0 => "",
                        1 => "junk",
                        _ => ApiKey.Generate().Text,
                    })
            ).IsProblem(401, "unauthenticated");

        (await Send("2001:db8:7:7::ffff", null)).IsProblem(401, "unauthenticated");
        foreach (var key in new[] { "", "junk", ApiKey.Generate().Text })
            Assert.InRange(Wait(await Send("2001:db8:7:7::ffff", key)), 1, 60);
        (await Send("2001:db8:7:7::1", valid)).Is(201);
        (await Send("2001:db8:7:8::1", "junk")).IsProblem(401, "unauthenticated");
        _app.Clock.Advance(TimeSpan.FromSeconds(60));
        (await Send("2001:db8:7:7::1", "junk")).IsProblem(401, "unauthenticated");
        Assert.Equal(
            0,
            await _app.Value<long>("select count(*) from audit_events where org_id = @Id and action = 'throttled'", new { acme.Id }));
    }

    [Fact]
    public async Task A_members_analytics_are_counted_together_and_before_organization_role_and_request()
    {
        var acme = await _app.Org("acme");
        var (viewer, user, other) = (await acme.Member("viewer"), (await acme.Member("user")).Caller, (await acme.Member("viewer")).Caller);
        const string Summary = "/analytics/orgs/me/summary";

        for (var i = 0; i < 6; i++)
        {
            (await viewer.Caller.Get(i % 2 == 0 ? Summary : $"/analytics/orgs/{acme.Slug}/summary?top=1")).Is(200);
            (await user.Get(Summary)).IsProblem(403, "forbidden");
        }
        foreach (var caller in new[] { viewer.Caller, user })
        {
            Assert.InRange(Wait(await caller.Get(Summary)), 1, 60);
            Assert.InRange(Wait(await caller.Get("/analytics/orgs/no-such-org/summary?x=1")), 1, 60);
            (await caller.Get("/orgs/me/chats")).Is(200);
        }
        (await other.Get(Summary)).Is(200);
        (await (await _app.LogIn(viewer.Email)).Get(Summary)).IsProblem(429, "throttled");
        _app.Clock.Advance(TimeSpan.FromSeconds(60));
        (await viewer.Caller.Get(Summary)).Is(200);
        Assert.Equal(
            1,
            await _app.Value<long>(
                "select count(*) from audit_events where org_id = @Id and action = 'throttled' and actor_id = @Viewer",
                new { acme.Id, Viewer = viewer.Id.ToString() }));
    }

    [Fact]
    public async Task Probing_for_taken_addresses_is_rate_limited()
    {
        var acme = await _app.Org("acme");
        var ann = await acme.Member("viewer");
        var taken = (await (await _app.Org("globex")).Member("viewer")).Email;

        for (var i = 0; i < 6; i++)
            (await ann.Caller.Patch("/users/me", new { email = taken, currentPassword = Persona.Password })).IsProblem(409, "email-taken");

        Assert.InRange(Wait(await ann.Caller.Patch("/users/me", new { email = taken, currentPassword = Persona.Password })), 1, 60);
        Assert.InRange(
            Wait(await ann.Caller.Patch("/users/me", new { email = $"free-{taken}", currentPassword = Persona.Password })),
            1,
            60);
        (await ann.Caller.Patch("/users/me", new { name = "Ann" })).Is(200);
        (await ann.Caller.Get("/users/me")).Is(200);
    }

    [Fact]
    public async Task A_member_has_one_burst_for_all_requests()
    {
        var acme = await _app.Org("acme");
        var ann = (await acme.Member("viewer")).Caller;

        await Exhaust(() => ann.Get("/users/me"), 200, 40);

        Assert.Equal(1, Wait(await ann.Get("/orgs/me/chats")));
        Assert.Equal(1, Wait(await ann.Get("/orgs/no-such-org/chats")));
        (await (await acme.Member("viewer")).Caller.Get("/users/me")).Is(200);
    }

    [Fact]
    public async Task Limits_can_be_switched_off_and_locked_accounts_stay_locked()
    {
        var calm = new NoRateLimitApp();
        await calm.InitializeAsync();
        try
        {
            var acme = await calm.Org("acme");
            var ann = await acme.Member("viewer");
            var plugin = await acme.Plugin();
            for (var i = 0; i < 10; i++)
            {
                (await plugin.Post($"{acme.ApiPath}/chats", "{}")).Is(201);
                (await calm.Stranger.Post($"{acme.ApiPath}/chats", "{}")).IsProblem(401, "unauthenticated");
                (await ann.Caller.Get("/analytics/orgs/me/summary")).Is(200);
                (await ann.Caller.Patch("/users/me", "{}")).Is(200);
                (await calm.Stranger.Post("/auth/login", new { email = ann.Email, password = "wrong horse battery" })).IsProblem(
                    401,
                    "unauthenticated");
            }
            (await calm.Stranger.Post("/auth/login", new { email = ann.Email, password = Persona.Password })).IsProblem(
                401,
                "unauthenticated");
        }
        finally
        {
            await calm.DisposeAsync();
        }
    }

    /// <summary>Asks until the burst is over.</summary>
    private static async Task Exhaust(Func<Task<Answer>> ask, int status, int burst)
    {
        for (var i = 0; i < burst; i++)
            (await ask()).Is(status);
        (await ask()).IsProblem(429, "throttled");
    }

    private static int Wait(Answer refused) =>
        int.Parse(refused.IsProblem(429, "throttled").Header("Retry-After")!, CultureInfo.InvariantCulture);
}
