using ChatLogger.Auth;

namespace ChatLogger.Tests.Features.ApiKeys;

public class RotateApiKeyTests(App app) : IClassFixture<App>
{
    [Theory]
    [InlineData("ingest", "https://shop.example")]
    [InlineData("ingest import")]
    public async Task The_new_key_may_do_what_the_old_one_may_which_lives_on_for_the_overlap(string scopes, params string[] origins)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var old = (
            await admin.Post(
                "/orgs/me/apikeys",
                new
                {
                    label = "Widget",
                    scopes = scopes.Split(' '),
                    allowedOrigins = origins,
                    expiresAt = "2099-01-01T00:00:00Z",
                })
        ).Is(201);
        var before = app.Clock.GetUtcNow();

        var made = (await admin.Post($"/orgs/me/apikeys/{old.Text("id")}/rotate", "{}")).Is(201);

        Assert.Equal(
            old.Json.EnumerateObject().Select(property => property.Name),
            made.Json.EnumerateObject().Select(property => property.Name));
        foreach (var member in new[] { "label", "scopes", "allowedOrigins", "expiresAt", "revokedAt", "lastUsedAt" })
            Assert.Equal(old[member].GetRawText(), made[member].GetRawText());
        foreach (var member in new[] { "id", "publicId", "key" })
            Assert.NotEqual(old.Text(member), made.Text(member));
        Assert.Matches($"^{ApiKey.Pattern}$", made.Text("key"));
        Assert.Equal($"/orgs/me/apikeys/{made.Text("id")}", made.Header("Location"));
        Assert.Equal("no-store", made.Header("Cache-Control"));
        var ends = await app.Value<DateTime>("select expires_at from api_keys where id = @Id::uuid", new { Id = old.Text("id") });
        Assert.InRange(ends, before.AddHours(24).UtcDateTime.AddMilliseconds(-1), app.Clock.GetUtcNow().AddHours(24).UtcDateTime);
        (await Use(acme, old.Text("key"))).Is(201);
        (await Use(acme, made.Text("key"))).Is(201);
        Assert.Equal(
            [$"key.created {old.Text("publicId")}", $"key.created {made.Text("publicId")}", $"key.rotated {old.Text("publicId")}"],
            (
                await app.Value<string[]>(
                    "select array_agg(action || ' ' || target_id order by action, at) from audit_events where org_id = @Id and "
                        + "target_type = 'key'",
                    new { acme.Id })
            )!);
        Assert.DoesNotContain(app.Log.All, line => line.Contains(made.Text("key")[21..], StringComparison.Ordinal));

        app.Clock.Advance(TimeSpan.FromHours(24));
        (await Use(acme, old.Text("key"))).IsProblem(401, "unauthenticated");
        (await Use(acme, made.Text("key"))).Is(201);
    }

    [Fact]
    public async Task Without_an_overlap_the_old_key_is_dead_at_once()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var old = (await admin.Post("/orgs/me/apikeys", new { label = "a" })).Is(201);
        (await Use(acme, old.Text("key"))).Is(201);

        var made = (await admin.Post($"/orgs/me/apikeys/{old.Text("id")}/rotate", new { overlapHours = 0 })).Is(201);

        (await Use(acme, old.Text("key"))).IsProblem(401, "unauthenticated");
        (await Use(acme, made.Text("key"))).Is(201);
    }

    [Fact]
    public async Task The_overlap_makes_no_key_live_longer_than_it_would_have()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var expires = app.Clock.GetUtcNow().AddHours(1);
        var old = (await admin.Post("/orgs/me/apikeys", new { label = "a", expiresAt = expires.ToString("O") })).Is(201);

        var made = (await admin.Post($"/orgs/me/apikeys/{old.Text("id")}/rotate", new { overlapHours = 168 })).Is(201);

        Assert.All(
            (await admin.Get("/orgs/me/apikeys"))["items"].EnumerateArray(),
            key => Assert.Equal(old.Text("expiresAt"), key.GetProperty("expiresAt").GetString()));
        Assert.Equal(old.Text("expiresAt"), made.Text("expiresAt"));
    }

    [Theory]
    [InlineData("""{"overlapHours":-1}""", "overlapHours")]
    [InlineData("""{"overlapHours":169}""", "overlapHours")]
    [InlineData("""{"overlapHours":2147483647}""", "overlapHours")]
    [InlineData("""{"overlapHours":1e9}""", "overlapHours")]
    [InlineData("""{"overlapHours":"1"}""", "overlapHours")]
    [InlineData("""{"overlapHours":0.5}""", "overlapHours")]
    [InlineData("""{"label":"x"}""", "body")]
    [InlineData("[]", "body")]
    public async Task Invalid_input_is_refused_and_rotates_nothing(string body, string path)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var key = (await admin.Post("/orgs/me/apikeys", new { label = "a" })).Is(201);

        (await admin.Post($"/orgs/me/apikeys/{key.Text("id")}/rotate", body)).IsInvalid(path);

        Assert.Equal(1, await acme.Count("api_keys"));
        (await Use(acme, key.Text("key"))).Is(201);
    }

    [Fact]
    public async Task A_key_that_is_not_live_or_was_rotated_already_is_not_rotated()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        async Task<string> Made() => (await admin.Post("/orgs/me/apikeys", new { label = "a" })).Is(201).Text("id");
        var (revoked, expired, rotated) = (await Made(), await Made(), await Made());
        (await admin.Delete($"/orgs/me/apikeys/{revoked}")).Is(204);
        await app.Execute("update api_keys set expires_at = created_at where id = @Id::uuid", new { Id = expired });
        var successor = (await admin.Post($"/orgs/me/apikeys/{rotated}/rotate", "{}")).Is(201);

        foreach (var id in new[] { revoked, expired, rotated })
            (await admin.Post($"/orgs/me/apikeys/{id}/rotate", "{}")).IsProblem(409, "key-not-live");
        Assert.Equal(4, await acme.Count("api_keys"));
        (await admin.Post($"/orgs/me/apikeys/{successor.Text("id")}/rotate", "{}")).Is(201);
    }

    [Fact]
    public async Task Of_many_concurrent_rotations_of_a_key_one_succeeds()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var key = (await admin.Post("/orgs/me/apikeys", new { label = "a" })).Is(201).Text("id");

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => admin.Post($"/orgs/me/apikeys/{key}/rotate", "{}")));

        Assert.Equal(1, answers.Count(answer => answer.Status == 201));
        Assert.All(answers.Where(answer => answer.Status != 201), answer => answer.IsProblem(409, "key-not-live"));
        Assert.Equal(2, await acme.Count("api_keys"));
    }

    [Fact]
    public async Task At_the_limit_of_keys_one_is_rotated_without_overlap_and_none_is_created()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        for (var i = 0; i < 20; i++)
            (await admin.Post("/orgs/me/apikeys", new { label = $"{i}" })).Is(201);
        var keys = (await admin.Get("/orgs/me/apikeys"))["items"]
            .EnumerateArray()
            .Select(key => key.GetProperty("id").GetString()!)
            .ToList();

        (await admin.Post("/orgs/me/apikeys", new { label = "one more" })).IsProblem(409, "live-key-quota");
        (await admin.Post($"/orgs/me/apikeys/{keys[0]}/rotate", "{}")).IsProblem(409, "live-key-quota");
        Assert.Equal(
            0,
            await app.Value<long>(
                "select count(*) from api_keys where org_id = @Id and (replaced_at is not null or expires_at is not null)",
                new { acme.Id }));
        (await admin.Post($"/orgs/me/apikeys/{keys[0]}/rotate", new { overlapHours = 0 })).Is(201);
        (await admin.Delete($"/orgs/me/apikeys/{keys[1]}")).Is(204);
        (await admin.Post($"/orgs/me/apikeys/{keys[2]}/rotate", "{}")).Is(201);
        (await admin.Post($"/orgs/me/apikeys/{keys[3]}/rotate", "{}")).IsProblem(409, "live-key-quota");
    }

    [Fact]
    public async Task Another_organizations_key_does_not_exist_and_only_admins_rotate_keys()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var theirs = (await (await globex.Admin()).Post("/orgs/me/apikeys", new { label = "x" })).Is(201);
        var admin = await acme.Admin();

        var foreign = await admin.Post($"/orgs/me/apikeys/{theirs.Text("id")}/rotate", new { overlapHours = 0 });
        var unknown = await admin.Post($"/orgs/me/apikeys/{Guid.CreateVersion7()}/rotate", new { overlapHours = 0 });

        Assert.Equal(unknown.IsProblem(404, "not-found").Comparable, foreign.IsProblem(404, "not-found").Comparable);
        foreach (var role in new[] { "viewer", "user" })
            (await (await globex.Member(role)).Caller.Post($"/orgs/me/apikeys/{theirs.Text("id")}/rotate", "{}")).IsProblem(
                403,
                "forbidden");
        Assert.Equal(1, await globex.Count("api_keys"));
        (await Use(globex, theirs.Text("key"))).Is(201);
        var root = await app.Superadmin();
        var rotated = (await root.Post($"/orgs/{globex.Slug}/apikeys/{theirs.Text("id")}/rotate", "{}")).Is(201);
        (await root.Delete(rotated.Header("Location")!)).Is(204);
    }

    private Task<Answer> Use(Org org, string key) => app.Stranger.WithKey(key).Post($"{org.ApiPath}/chats", "{}");
}
