namespace ChatLogger.Tests.Features.Organizations;

/// <summary>GET and PATCH, of one's own organization and by slug.</summary>
public class OrganizationTests(OrganizationsApp app) : IClassFixture<OrganizationsApp>
{
    [Theory]
    [InlineData("viewer")]
    [InlineData("user")]
    [InlineData("admin")]
    public async Task Every_member_reads_about_their_own_organization(string role)
    {
        var acme = await app.Org("acme");

        var answer = (await (await acme.Member(role)).Caller.Get("/orgs/me")).Is(200);

        Assert.Equal(["id", "slug", "name", "settings", "createdAt"], answer.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(acme.Id.ToString(), answer.Text("id"));
        Assert.Equal(acme.Slug, answer.Text("slug"));
        Assert.Equal("acme", answer.Text("name"));
        Assert.Equal(
            """{"timeZone":"UTC","retentionDays":null,"redaction":{"kinds":[],"patterns":[],"metadata":false},"prices":{}}""",
            answer["settings"].GetRawText());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", answer.Text("createdAt"));
        Assert.Equal("no-store", answer.Header("Cache-Control"));
    }

    [Fact]
    public async Task An_admin_changes_what_is_given_and_the_change_is_written_down()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var admin = await acme.Member("admin");

        var renamed = (await admin.Caller.Patch("/orgs/me", new { name = "Acme & Söhne" })).Is(200);
        var moved = (await admin.Caller.Patch("/orgs/me", """{"name":null,"settings":{"timeZone":"Europe/Amsterdam"}}""")).Is(200);

        Assert.Equal("Acme & Söhne", renamed.Text("name"));
        Assert.Equal("UTC", renamed["settings"].GetProperty("timeZone").GetString());
        Assert.Equal("Acme & Söhne", moved.Text("name"));
        Assert.Equal("Europe/Amsterdam", moved["settings"].GetProperty("timeZone").GetString());
        Assert.Equal(moved.Body, (await admin.Caller.Get("/orgs/me")).Is(200).Body);
        Assert.Equal(
            "Acme & Söhne Europe/Amsterdam",
            await app.Value<string>("select name || ' ' || time_zone from organizations where id = @Id", new { acme.Id }));
        Assert.Equal("organization.created organization.changed organization.changed", await app.Events(acme));
        Assert.Equal(
            2,
            await app.Value<long>(
                "select count(*) from audit_events where org_id = @Id and action = 'organization.changed' and actor_type = 'member' and "
                    + "actor_id = @Actor",
                new { acme.Id, Actor = admin.Id.ToString() }));
        Assert.Equal(
            "globex UTC",
            await app.Value<string>("select name || ' ' || time_zone from organizations where id = @Id", new { globex.Id }));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"name":null,"settings":null}""")]
    [InlineData("""{"settings":{}}""")]
    [InlineData("""{"settings":{"timeZone":null}}""")]
    [InlineData("""{"name":"acme","settings":{"timeZone":"UTC"}}""")]
    public async Task A_change_without_effect_succeeds_and_is_not_audited(string body)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();

        var answer = (await admin.Patch("/orgs/me", body)).Is(200);

        Assert.Equal((await admin.Get("/orgs/me")).Body, answer.Body);
        Assert.Equal("organization.created", await app.Events(acme));
    }

    [Fact]
    public async Task The_time_zone_can_be_cleared_and_is_UTC_again()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        (await admin.Patch("/orgs/me", new { settings = new { timeZone = "Asia/Kathmandu" } })).Is(200);

        var answer = (await admin.Patch("/orgs/me", new { settings = new { timeZone = "" } })).Is(200);

        Assert.Equal("UTC", answer["settings"].GetProperty("timeZone").GetString());
    }

    [Theory]
    [InlineData("""{"name":""}""", "name")]
    [InlineData("""{"name":7}""", "name")]
    [InlineData("""{"settings":{"timeZone":"Mars/Olympus"}}""", "settings.timeZone")]
    [InlineData("""{"settings":{"timeZone":"europe/amsterdam"}}""", "settings.timeZone")]
    [InlineData("""{"settings":"UTC"}""", "settings")]
    [InlineData("""{"settings":{"colour":"red"}}""", "settings")]
    [InlineData("""{"settings":{"timeZone":7}}""", "settings.timeZone")]
    [InlineData("""{"slug":"another"}""", "body")]
    [InlineData("""{"id":"0197a000-0000-7000-8000-000000000000"}""", "body")]
    [InlineData("""{"name":"a","name":"b"}""", "name")]
    [InlineData("[]", "body")]
    public async Task Invalid_input_is_refused_and_changes_nothing(string body, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Admin()).Patch("/orgs/me", body)).IsInvalid(path);
        (await (await app.Superadmin()).Patch($"/orgs/{acme.Slug}", body)).IsInvalid(path);

        Assert.Equal(
            "acme UTC",
            await app.Value<string>("select name || ' ' || time_zone from organizations where id = @Id", new { acme.Id }));
        Assert.Equal("organization.created", await app.Events(acme));
    }

    [Fact]
    public async Task A_name_has_two_hundred_characters_as_people_count_them()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var longest = string.Concat(Enumerable.Repeat("😀", 200));

        Assert.Equal(longest, (await admin.Patch("/orgs/me", new { name = longest })).Is(200).Text("name"));
        (await admin.Patch("/orgs/me", new { name = longest + "!" })).IsInvalid("name");
    }

    [Theory]
    [InlineData("viewer")]
    [InlineData("user")]
    public async Task Only_an_admin_may_change_the_organization(string role)
    {
        var acme = await app.Org("acme");
        var member = await acme.Member(role);

        (await member.Caller.Patch("/orgs/me", new { name = "Mine" })).IsProblem(403, "forbidden");
        (await member.Caller.Patch("/orgs/me", """{"name":7}""")).IsProblem(403, "forbidden");

        Assert.Equal("acme", await app.Value<string>("select name from organizations where id = @Id", new { acme.Id }));
        Assert.Equal(
            1,
            await app.Value<long>(
                "select count(*) from audit_events where org_id = @Id and action = 'access.denied' and actor_id = @Actor",
                new { acme.Id, Actor = member.Id.ToString() }));
    }

    [Fact]
    public async Task Only_a_member_may_use_me()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();

        (await app.Stranger.Get("/orgs/me")).IsProblem(401, "unauthenticated");
        (await plugin.Get("/orgs/me")).IsProblem(401, "unauthenticated");
        (await app.Stranger.Patch("/orgs/me", new { name = "Mine" })).IsProblem(401, "unauthenticated");
        (await plugin.Patch("/orgs/me", new { name = "Mine" })).IsProblem(401, "unauthenticated");
        Assert.Equal("organization.created", await app.Events(acme));
    }

    [Fact]
    public async Task A_superadmin_has_no_organization_and_reads_and_changes_any_by_slug()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var root = await app.Superadmin();

        (await root.Get("/orgs/me")).IsProblem(409, "no-organization");
        (await root.Patch("/orgs/me", new { name = "Mine" })).IsProblem(409, "no-organization");
        (await root.Patch("/orgs/me", """{"name":7}""")).IsProblem(409, "no-organization");
        Assert.Equal((await (await acme.Admin()).Get("/orgs/me")).Body, (await root.Get($"/orgs/{acme.Slug}")).Is(200).Body);
        var changed = (await root.Patch($"/orgs/{acme.Slug}", new { name = "Acme", settings = new { timeZone = "Asia/Tokyo" } })).Is(200);

        Assert.Equal("Acme", changed.Text("name"));
        Assert.Equal("Asia/Tokyo", changed["settings"].GetProperty("timeZone").GetString());
        Assert.Equal(changed.Body, (await root.Get($"/orgs/{acme.Slug}")).Body);
        Assert.Equal("organization.created organization.changed", await app.Events(acme));
        Assert.Equal(
            1,
            await app.Value<long>(
                "select count(*) from audit_events where org_id = @Id and action = 'organization.changed' and actor_type = 'superadmin'",
                new { acme.Id }));
        Assert.Equal("organization.created", await app.Events(globex));
    }

    [Theory]
    [InlineData("no-such-organization")]
    [InlineData("ACME")]
    [InlineData("0197a000-0000-7000-8000-000000000000")]
    [InlineData("a%20b")]
    public async Task An_unknown_slug_does_not_exist(string slug)
    {
        var root = await app.Superadmin();

        (await root.Get($"/orgs/{slug}")).IsProblem(404, "not-found");
        (await root.Patch($"/orgs/{slug}", new { name = "Mine" })).IsProblem(404, "not-found");
        (await root.Patch($"/orgs/{slug}", """{"name":7}""")).IsProblem(400, "validation");
        (await root.Delete($"/orgs/{slug}")).IsProblem(404, "not-found");
    }

    [Theory]
    [InlineData("viewer")]
    [InlineData("user")]
    [InlineData("admin")]
    public async Task Routes_above_organizations_are_for_superadmins_only_also_for_ones_own_slug(string role)
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var member = await acme.Member(role);

        foreach (var slug in new[] { acme.Slug, globex.Slug, "no-such-organization" })
        {
            (await member.Caller.Get($"/orgs/{slug}")).IsProblem(403, "forbidden");
            (await member.Caller.Patch($"/orgs/{slug}", new { name = "Mine" })).IsProblem(403, "forbidden");
            (await member.Caller.Patch($"/orgs/{slug}", "{")).IsProblem(403, "forbidden");
            (await member.Caller.Delete($"/orgs/{slug}")).IsProblem(403, "forbidden");
        }
        (await member.Caller.Get("/orgs")).IsProblem(403, "forbidden");
        (await member.Caller.Get("/orgs?limit=x")).IsProblem(403, "forbidden");
        (await member.Caller.Post("/orgs", new { slug = acme.Slug + "-2", name = "Mine" })).IsProblem(403, "forbidden");
        (await member.Caller.Delete("/orgs/me")).IsProblem(403, "forbidden");

        Assert.Equal("organization.created", await app.Events(acme));
        Assert.Equal("organization.created", await app.Events(globex));
        Assert.Equal(0, await app.Value<long>("select count(*) from organizations where slug = @Slug", new { Slug = acme.Slug + "-2" }));
        // It concerns no organization, so it is in the log and in no audit log.
        Assert.Contains(
            app.Log.All,
            line =>
                line.Contains("access.denied", StringComparison.Ordinal) && line.Contains(member.Id.ToString(), StringComparison.Ordinal));
        Assert.Equal(
            0,
            await app.Value<long>(
                "select count(*) from audit_events where action = 'access.denied' and actor_id = @Id",
                new { Id = member.Id.ToString() }));
    }

    [Fact]
    public async Task Without_a_session_every_request_is_401()
    {
        var acme = await app.Org("acme");

        foreach (var caller in new[] { app.Stranger, await acme.Plugin() })
        {
            (await caller.Get("/orgs")).IsProblem(401, "unauthenticated");
            (await caller.Post("/orgs", new { slug = acme.Slug + "-2", name = "Mine" })).IsProblem(401, "unauthenticated");
            (await caller.Get($"/orgs/{acme.Slug}")).IsProblem(401, "unauthenticated");
            (await caller.Patch($"/orgs/{acme.Slug}", new { name = "Mine" })).IsProblem(401, "unauthenticated");
            (await caller.Delete($"/orgs/{acme.Slug}")).IsProblem(401, "unauthenticated");
        }

        Assert.Equal("organization.created", await app.Events(acme));
    }
}
