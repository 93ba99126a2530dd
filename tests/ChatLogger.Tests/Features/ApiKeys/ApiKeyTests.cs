using System.Security.Cryptography;
using System.Text;
using ChatLogger.Auth;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.ApiKeys;

public class ApiKeyTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task An_admin_makes_a_key_that_works_at_once_and_is_shown_this_once()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();

        var answer = (await admin.Post("/orgs/me/apikeys", new { label = "Widget", expiresAt = "2099-01-02T03:04:05.678901+02:00" })).Is(
            201);

        Assert.Equal(
            ["id", "publicId", "label", "scopes", "lastFour", "allowedOrigins", "createdAt", "expiresAt", "revokedAt", "lastUsedAt", "key"],
            answer.Json.EnumerateObject().Select(property => property.Name));
        var key = answer.Text("key");
        Assert.Matches($"^{ApiKey.Pattern}$", key);
        Assert.Equal($"/orgs/me/apikeys/{answer.Text("id")}", answer.Header("Location"));
        Assert.Equal(key[4..20], answer.Text("publicId"));
        Assert.Equal(key[^4..], answer.Text("lastFour"));
        Assert.Equal("""["ingest"]""", answer["scopes"].GetRawText());
        Assert.Equal("2099-01-02T01:04:05.678Z", answer.Text("expiresAt"));
        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Assert.Equal(
            Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(key))),
            Convert.ToHexString(
                (await app.Value<byte[]>("select sha256 from api_keys where id = @Id::uuid", new { Id = answer.Text("id") }))!));
        (await app.Stranger.WithKey(key).Post($"{acme.ApiPath}/chats", new { })).Is(201);

        var list = (await admin.Get("/orgs/me/apikeys")).Is(200);
        Assert.DoesNotContain(key[21..], list.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(app.Log.All, line => line.Contains(key[21..], StringComparison.Ordinal));
        Assert.Contains(
            app.Log.All,
            line => line.Contains("key.created", StringComparison.Ordinal) && line.Contains(key[4..20], StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{}", "label")]
    [InlineData("""{"label":" "}""", "label")]
    [InlineData("""{"label":"x","scopes":["admin"]}""", "scopes")]
    [InlineData("""{"label":"x","scopes":["ingest","ingest"]}""", "scopes")]
    [InlineData("""{"label":"x","scopes":[null]}""", "scopes")]
    [InlineData("""{"label":"x","expiresAt":"2001-01-01T00:00:00Z"}""", "expiresAt")]
    [InlineData("""{"label":"x","expiresAt":"2099-01-01"}""", "expiresAt")]
    [InlineData("""{"label":"x","expiresAt":"2099-02-30T00:00:00Z"}""", "expiresAt")]
    [InlineData("""{"label":"x","expiresAt":4070908800}""", "expiresAt")]
    [InlineData("""{"label":"x","allowedOrigins":["https://a.example/"]}""", "allowedOrigins")]
    [InlineData("""{"label":"x","allowedOrigins":["a.example"]}""", "allowedOrigins")]
    [InlineData("""{"label":"x","allowedOrigins":["*"]}""", "allowedOrigins")]
    [InlineData("""{"label":"x","allowedOrigins":[null]}""", "allowedOrigins")]
    [InlineData("""{"label":"x","scopes":["ingest","read"],"allowedOrigins":["https://a.example"]}""", "allowedOrigins")]
    [InlineData("""{"label":"x","scopes":["import"],"allowedOrigins":["https://a.example"]}""", "allowedOrigins")]
    [InlineData("""{"label":"x","key":"clk_mine"}""", "body")]
    public async Task Invalid_input_is_refused_and_creates_no_key(string body, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Admin()).Post("/orgs/me/apikeys", body)).IsInvalid(path);

        Assert.Equal(0, await acme.Count("api_keys"));
    }

    [Fact]
    public async Task Twenty_keys_live_at_a_time_also_when_all_are_asked_for_at_once()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();

        var answers = await Task.WhenAll(Enumerable.Range(0, 25).Select(i => admin.Post("/orgs/me/apikeys", new { label = $"{i}" })));

        Assert.Equal(20, answers.Count(answer => answer.Status == 201));
        Assert.All(answers.Where(answer => answer.Status != 201), answer => answer.IsProblem(409, "live-key-quota"));
        Assert.Equal(20, await acme.Count("api_keys"));
        (await admin.Delete($"/orgs/me/apikeys/{answers.First(answer => answer.Status == 201).Text("id")}")).Is(204);
        (await admin.Post("/orgs/me/apikeys", new { label = "one more" })).Is(201);
    }

    [Fact]
    public async Task The_list_is_the_organizations_own_newest_first_in_pages()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await globex.Key();
        var admin = await acme.Admin();
        var made = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            made.Add((await admin.Post("/orgs/me/apikeys", new { label = $"{i}" })).Is(201).Text("publicId"));
            await Task.Delay(2);
        }

        var first = (await admin.Get("/orgs/me/apikeys?limit=3")).Is(200);
        var second = (await admin.Get($"/orgs/me/apikeys?limit=3&cursor={first.Text("nextCursor")}")).Is(200);

        Assert.Equal(
            Enumerable.Reverse(made),
            first["items"].EnumerateArray().Concat(second["items"].EnumerateArray()).Select(key => key.GetProperty("publicId").GetString()!)
        );
        Assert.Equal("null", second["nextCursor"].GetRawText());
        Assert.DoesNotMatch(ApiKey.Pattern, first.Body + second.Body);
    }

    [Fact]
    public async Task A_revoked_key_stops_working_stays_listed_and_may_be_revoked_again()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var made = (await admin.Post("/orgs/me/apikeys", new { label = "x" })).Is(201);
        var plugin = app.Stranger.WithKey(made.Text("key"));
        (await plugin.Post($"{acme.ApiPath}/chats", new { })).Is(201);

        (await admin.Delete($"/orgs/me/apikeys/{made.Text("id")}")).Is(204);
        var revokedAt = (await admin.Get("/orgs/me/apikeys"))["items"][0].GetProperty("revokedAt").GetString();
        (await admin.Delete($"/orgs/me/apikeys/{made.Text("id")}")).Is(204);

        (await plugin.Post($"{acme.ApiPath}/chats", new { })).IsProblem(401, "unauthenticated");
        Assert.Equal(revokedAt, (await admin.Get("/orgs/me/apikeys"))["items"][0].GetProperty("revokedAt").GetString());
        Assert.NotNull(revokedAt);
    }

    [Fact]
    public async Task Another_organizations_key_does_not_exist()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var theirs = (await (await globex.Admin()).Post("/orgs/me/apikeys", new { label = "x" })).Is(201);
        var admin = await acme.Admin();

        var foreign = await admin.Delete($"/orgs/me/apikeys/{theirs.Text("id")}");
        var unknown = await admin.Delete($"/orgs/me/apikeys/{Guid.CreateVersion7()}");
        var byTheirSlug = await admin.Delete($"/orgs/{globex.Slug}/apikeys/{theirs.Text("id")}");

        Assert.Equal(unknown.IsProblem(404, "not-found").Comparable, foreign.IsProblem(404, "not-found").Comparable);
        byTheirSlug.IsProblem(404, "not-found");
        (await app.Stranger.WithKey(theirs.Text("key")).Post($"{globex.ApiPath}/chats", new { })).Is(201);
    }

    [Theory]
    [InlineData("viewer")]
    [InlineData("user")]
    public async Task Only_an_admin_may_list_create_and_revoke_keys(string role)
    {
        var acme = await app.Org("acme");
        var key = (await (await acme.Admin()).Post("/orgs/me/apikeys", new { label = "x" })).Is(201);
        var member = (await acme.Member(role)).Caller;

        (await member.Get("/orgs/me/apikeys")).IsProblem(403, "forbidden");
        (await member.Post("/orgs/me/apikeys", new { label = "mine" })).IsProblem(403, "forbidden");
        (await member.Delete($"/orgs/me/apikeys/{key.Text("id")}")).IsProblem(403, "forbidden");
        Assert.Equal(1, await acme.Count("api_keys"));
        (await app.Stranger.WithKey(key.Text("key")).Post($"{acme.ApiPath}/chats", new { })).Is(201);
    }

    [Fact]
    public async Task A_superadmin_acts_by_slug_a_plugin_and_a_stranger_not_at_all()
    {
        var acme = await app.Org("acme");
        var root = await app.Superadmin();

        var made = (await root.Post($"/orgs/{acme.Slug}/apikeys", new { label = "x" })).Is(201);
        (await root.Get($"/orgs/{acme.Slug}/apikeys")).Is(200);
        (await root.Delete(made.Header("Location")!)).Is(204);
        (await root.Get("/orgs/me/apikeys")).IsProblem(409, "no-organization");
        (await (await acme.Plugin()).Get("/orgs/me/apikeys")).IsProblem(401, "unauthenticated");
        (await app.Stranger.Post("/orgs/me/apikeys", new { label = "x" })).IsProblem(401, "unauthenticated");
    }
}
