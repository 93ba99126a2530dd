using System.Text.Json;

namespace ChatLogger.Tests.Features.Members;

public partial class MemberTests
{
    [Fact]
    public async Task A_name_is_changed_left_alone_and_removed_and_only_a_change_is_written_down()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Member("admin");
        var ann = await acme.Member("user");
        var path = $"/orgs/me/users/{ann.Id}";

        var changed = (await admin.Caller.Patch(path, new { name = "Ann" })).Is(200);
        Assert.Equal(Shape, changed.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal("Ann", changed.Text("name"));
        foreach (
            var nothing in new[]
            {
                "{}",
                """{"name":null,"role":null,"disabled":null,"password":null}""",
                """{"name":"Ann"}""",
                """{"role":"user","disabled":false}""",
            })
            Assert.Equal(changed.Body, (await admin.Caller.Patch(path, nothing)).Is(200).Body);
        Assert.Single(await Events(acme, "member.changed", $"{ann.Id}"));
        Assert.Equal(JsonValueKind.Null, (await admin.Caller.Patch(path, new { name = "" })).Is(200)["name"].ValueKind);
        Assert.Equal([admin.Id, admin.Id], await Events(acme, "member.changed", $"{ann.Id}"));

        Assert.Null(await app.Value<string>("select name from users where id = @Id", new { ann.Id }));
        (await ann.Caller.Get("/users/me")).Is(200);
    }

    [Theory]
    [InlineData("""{"role":"superadmin"}""", "role")]
    [InlineData("""{"role":""}""", "role")]
    [InlineData("""{"disabled":"true"}""", "disabled")]
    [InlineData("""{"password":""}""", "password")]
    [InlineData("""{"password":"elevenbytes"}""", "password")]
    [InlineData("""{"email":"a@b.example"}""", "body")]
    [InlineData("""{"status":"disabled"}""", "body")]
    [InlineData("""{"orgId":"0190a6e0-0000-7000-8000-000000000000"}""", "body")]
    public async Task An_invalid_change_is_refused(string body, string path)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var ann = await acme.Member("user");

        (await admin.Patch($"/orgs/me/users/{ann.Id}", body)).IsInvalid(path);
        (await admin.Patch($"/orgs/me/users/{ann.Id}", new { name = new string('x', 201) })).IsInvalid("name");
        // Validation comes before the look-up of the member.
        (await admin.Patch(Nowhere, body)).IsInvalid(path);

        Assert.Equal("user", (await ann.Caller.Get("/users/me")).Is(200).Text("role"));
        Assert.Empty(await Events(acme, "member.changed", $"{ann.Id}"));
    }

    [Fact]
    public async Task A_new_role_applies_to_existing_sessions_from_the_next_request()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var ann = await acme.Member("viewer");
        var other = await app.AnotherInstance();
        try
        {
            var elsewhere = other.Stranger.WithCookie(ann.Caller.Credential!);
            (await elsewhere.Get("/orgs/me/users")).IsProblem(403, "forbidden");

            Assert.Equal("admin", (await admin.Patch($"/orgs/me/users/{ann.Id}", new { role = "admin" })).Is(200).Text("role"));
            (await elsewhere.Get("/orgs/me/users")).Is(200);

            (await admin.Patch($"/orgs/me/users/{ann.Id}", new { role = "user" })).Is(200);
            (await elsewhere.Get("/orgs/me/users")).IsProblem(403, "forbidden");
            (await ann.Caller.Get("/users/me")).Is(200);
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task A_password_set_by_an_admin_ends_only_the_sessions_of_that_member()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Member("admin");
        var ann = await acme.Member("user");
        var bob = await acme.Member("user");
        var phone = await app.LogIn(ann.Email);
        var other = await app.AnotherInstance();
        try
        {
            (await admin.Caller.Patch($"/orgs/me/users/{ann.Id}", new { password = NewPassword })).Is(200);

            (await ann.Caller.Get("/users/me")).IsProblem(401, "unauthenticated");
            (await other.Stranger.WithCookie(phone.Credential!).Get("/users/me")).IsProblem(401, "unauthenticated");
            Assert.Equal(0, await app.Value<long>("select count(*) from sessions where user_id = @Id", new { ann.Id }));
            (await app.Stranger.Post("/auth/login", new { email = ann.Email, password = Persona.Password })).IsProblem(
                401,
                "unauthenticated");
            await app.LogIn(ann.Email, NewPassword);
            (await bob.Caller.Get("/users/me")).Is(200);
            (await admin.Caller.Get("/users/me")).Is(200);
            Assert.Equal([admin.Id], await Events(acme, "member.changed", $"{ann.Id}"));
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task Ones_own_password_needs_the_current_one_and_is_not_set_here()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Member("admin");
        await acme.Admin();

        var answer = (await admin.Caller.Patch($"/orgs/me/users/{admin.Id}", new { password = NewPassword })).IsInvalid("password");

        Assert.Equal("Change your own password with PATCH /users/me.", answer["errors"].GetProperty("password")[0].GetString());
        await app.LogIn(admin.Email);
        Assert.Equal("Boss", (await admin.Caller.Patch($"/orgs/me/users/{admin.Id}", new { name = "Boss" })).Is(200).Text("name"));
    }
}
