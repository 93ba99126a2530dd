using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Accounts;

public class ProfileTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private const string NewPassword = "a new horse battery";

    [Theory]
    [InlineData("viewer")]
    [InlineData("user")]
    [InlineData("admin")]
    public async Task Every_member_reads_who_they_are(string role)
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member(role);

        var answer = (await ann.Caller.Get("/users/me")).Is(200);

        Assert.Equal(
            ["id", "email", "name", "role", "status", "org", "createdAt"],
            answer.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(ann.Email, answer.Text("email"));
        Assert.Equal(role, answer.Text("role"));
        Assert.Equal(acme.Slug, answer["org"].GetProperty("slug").GetString());
    }

    [Fact]
    public async Task A_superadmin_has_no_organization()
    {
        var answer = (await (await app.Superadmin()).Get("/users/me")).Is(200);

        Assert.Equal("superadmin", answer.Text("role"));
        Assert.Equal("null", answer["org"].GetRawText());
    }

    [Fact]
    public async Task Without_a_session_reading_and_changing_are_401()
    {
        var acme = await app.Org("acme");
        foreach (var caller in new[] { app.Stranger, await acme.Plugin(), app.Stranger.WithCookie("__Host-chatlogger=x.y.z") })
        {
            (await caller.Get("/users/me")).IsProblem(401, "unauthenticated");
            (await caller.Patch("/users/me", new { name = "x" })).IsProblem(401, "unauthenticated");
        }
    }

    [Fact]
    public async Task A_name_is_changed_left_alone_and_removed()
    {
        var acme = await app.Org("acme");
        var ann = (await acme.Member("viewer")).Caller;

        Assert.Equal("Ann Ä", (await ann.Patch("/users/me", new { name = "Ann Ä" })).Is(200).Text("name"));
        Assert.Equal("Ann Ä", (await ann.Patch("/users/me", "{}")).Is(200).Text("name"));
        Assert.Equal("Ann Ä", (await ann.Patch("/users/me", """{"name":null}""")).Is(200).Text("name"));
        Assert.Equal("null", (await ann.Patch("/users/me", new { name = "" })).Is(200)["name"].GetRawText());
        (await ann.Patch("/users/me", new { name = new string('x', 201) })).IsInvalid("name");
    }

    [Fact]
    public async Task A_new_password_needs_the_current_one_and_ends_the_other_sessions()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("user");
        var phone = await app.LogIn(ann.Email);

        (await ann.Caller.Patch("/users/me", new { newPassword = NewPassword })).IsInvalid("currentPassword");
        (await ann.Caller.Patch("/users/me", new { newPassword = NewPassword, currentPassword = "wrong horse battery" })).IsInvalid(
            "currentPassword");
        (await phone.Get("/users/me")).Is(200);
        (await ann.Caller.Patch("/users/me", new { newPassword = NewPassword, currentPassword = Persona.Password })).Is(200);

        (await ann.Caller.Get("/users/me")).Is(200);
        (await phone.Get("/users/me")).IsProblem(401, "unauthenticated");
        (await app.Stranger.Post("/auth/login", new { email = ann.Email, password = Persona.Password })).IsProblem(401, "unauthenticated");
        await app.LogIn(ann.Email, NewPassword);
    }

    [Theory]
    [InlineData("elevenbytes", false)]
    [InlineData("twelve bytes", true)]
    [InlineData("ääääää", true)]
    [InlineData("seventy-two bytes of password are what bcrypt reads and not one more....", true)]
    [InlineData("seventy-two bytes of password are what bcrypt reads and not one more.....", false)]
    public async Task A_password_has_12_to_72_bytes(string password, bool taken)
    {
        var acme = await app.Org("acme");
        var ann = (await acme.Member("user")).Caller;

        var answer = await ann.Patch("/users/me", new { newPassword = password, currentPassword = Persona.Password });

        if (taken)
            answer.Is(200);
        else
            answer.IsInvalid("newPassword");
    }

    [Fact]
    public async Task A_new_address_needs_the_password_and_must_be_free_in_every_spelling_and_organization()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var ann = await acme.Member("user");
        var phone = await app.LogIn(ann.Email);
        var taken = (await globex.Member("user")).Email;
        var fresh = $"Fresh-{Guid.NewGuid():N}@Acme.Example";

        (await ann.Caller.Patch("/users/me", new { email = fresh })).IsInvalid("currentPassword");
        (await ann.Caller.Patch("/users/me", new { email = $" {taken.ToUpperInvariant()}", currentPassword = Persona.Password })).IsProblem(
            409,
            "email-taken");
        (await ann.Caller.Patch("/users/me", new { email = "no address", currentPassword = Persona.Password })).IsInvalid("email");
        (await phone.Get("/users/me")).Is(200);

        var answer = (await ann.Caller.Patch("/users/me", new { email = fresh, currentPassword = Persona.Password })).Is(200);
        Assert.Equal(fresh.ToLowerInvariant(), answer.Text("email"));
        (await phone.Get("/users/me")).IsProblem(401, "unauthenticated");
        await app.LogIn(fresh);
    }

    [Theory]
    [InlineData("""{"role":"admin"}""")]
    [InlineData("""{"org":{"slug":"globex"}}""")]
    [InlineData("""{"orgId":"0190a6e0-0000-7000-8000-000000000000"}""")]
    [InlineData("""{"status":"active"}""")]
    [InlineData("""{"id":"0190a6e0-0000-7000-8000-000000000000"}""")]
    public async Task A_member_cannot_change_their_own_role_or_organization(string body)
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("viewer");

        (await ann.Caller.Patch("/users/me", body)).IsInvalid("body");

        Assert.Equal("viewer", (await ann.Caller.Get("/users/me")).Text("role"));
    }
}
