namespace ChatLogger.Tests.Features.Members;

public partial class MemberTests
{
    [Theory]
    [InlineData("admin")]
    [InlineData("user")]
    [InlineData("viewer")]
    public async Task An_admin_creates_a_member_who_can_log_in_at_once(string role)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Member("admin");
        var email = $"New.{Guid.NewGuid():N}@Acme.Example";

        var answer = (
            await admin.Caller.Post(
                "/orgs/me/users",
                new
                {
                    email = $" {email}",
                    name = "Ann Ä",
                    role,
                    password = NewPassword,
                })
        ).Is(201);

        Assert.Equal(Shape, answer.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal($"/orgs/me/users/{answer.Text("id")}", answer.Header("Location"));
        Assert.Equal(email.ToLowerInvariant(), answer.Text("email"));
        Assert.Equal("Ann Ä", answer.Text("name"));
        Assert.Equal(role, answer.Text("role"));
        Assert.Equal("active", answer.Text("status"));
        Assert.Equal($$"""{"id":"{{acme.Id}}","slug":"{{acme.Slug}}","name":"acme"}""", answer["org"].GetRawText());
        var login = (await app.Stranger.Post("/auth/login", new { email, password = NewPassword })).Is(200);
        Assert.Equal(answer.Body, login.Body);
        Assert.Equal(1, await app.Value<long>(
            "select count(*) from users where id = @Id::uuid and org_id = @OrgId and password_hash like '$2%' and updated_at = created_at",
            new { Id = answer.Text("id"), OrgId = acme.Id }));
        Assert.Equal([admin.Id], await Events(acme, "member.created", answer.Text("id")));
        Assert.DoesNotContain(
            app.Log.All,
            line => line.Contains(NewPassword, StringComparison.Ordinal) || line.Contains(email, StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("{}", "email")]
    [InlineData("""{"email":"no address","role":"user","password":"twelve bytes"}""", "email")]
    [InlineData("""{"email":"a@b.example","password":"twelve bytes"}""", "role")]
    [InlineData("""{"email":"a@b.example","role":"superadmin","password":"twelve bytes"}""", "role")]
    [InlineData("""{"email":"a@b.example","role":"Admin","password":"twelve bytes"}""", "role")]
    [InlineData("""{"email":"a@b.example","role":["admin"],"password":"twelve bytes"}""", "role")]
    [InlineData("""{"email":"a@b.example","role":"user"}""", "password")]
    [InlineData("""{"email":"a@b.example","role":"user","password":"elevenbytes"}""", "password")]
    [InlineData("""{"email":"a@b.example","role":"user","password":"twelve\u0000bytes"}""", "password")]
    [InlineData(
        """{"email":"a@b.example","role":"user","password":"seventy-two bytes of password are what bcrypt reads and not one more....."}""",
        "password"
    )]
    [InlineData("""{"email":"a@b.example","role":"user","password":"twelve bytes","name":1}""", "name")]
    [InlineData(
        """{"email":"a@b.example","role":"user","password":"twelve bytes","orgId":"0190a6e0-0000-7000-8000-000000000000"}""",
        "body"
    )]
    [InlineData("""{"email":"a@b.example","role":"user","password":"twelve bytes","disabled":true}""", "body")]
    public async Task Invalid_input_is_refused_and_creates_no_member(string body, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Admin()).Post("/orgs/me/users", body)).IsInvalid(path);

        Assert.Equal(1, await acme.Count("users"));
    }

    [Fact]
    public async Task An_address_is_unique_in_every_spelling_and_organization_and_a_conflict_is_audited()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var taken = (await globex.Member("user")).Email;
        var admin = await acme.Member("admin");

        (
            await admin.Caller.Post(
                "/orgs/me/users",
                new
                {
                    email = taken.ToUpperInvariant(),
                    role = "user",
                    password = NewPassword,
                })
        ).IsProblem(409, "email-taken");
        (
            await admin.Caller.Post(
                "/orgs/me/users",
                new
                {
                    email = admin.Email,
                    role = "user",
                    password = NewPassword,
                })
        ).IsProblem(409, "email-taken");

        Assert.Equal(1, await acme.Count("users"));
        // Once a minute, and without the body of the request.
        Assert.Equal([admin.Id], await Events(acme, "member.email-taken", acme.Id.ToString()));
        Assert.Equal(
            0,
            await app.Value<long>(
                "select count(*) from audit_events where org_id = @Id and action = 'member.email-taken'",
                new { globex.Id }));
        Assert.DoesNotContain(app.Log.All, line => line.Contains(taken, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Of_two_concurrent_uses_of_one_address_one_succeeds()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var admins = new[] { await acme.Admin(), await globex.Admin() };
        var email = $"both-{Guid.NewGuid():N}@x.example";

        var answers = await Task.WhenAll(
            admins.Select(admin =>
                admin.Post(
                    "/orgs/me/users",
                    new
                    {
                        email,
                        role = "user",
                        password = NewPassword,
                    })));

        Assert.Equal([201, 409], answers.Select(answer => answer.Status).Order());
        Assert.Equal(1, await app.Value<long>("select count(*) from users where email = @email", new { email }));
    }
}
