using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Accounts;

public class LoginTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task A_member_logs_in_and_gets_a_cookie_that_only_browsers_of_this_host_send_back()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("viewer");

        var answer = (await app.Stranger.Post("/auth/login", new { email = ann.Email, password = Persona.Password })).Is(200);

        Assert.Equal(
            ["id", "email", "name", "role", "status", "org", "createdAt"],
            answer.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(ann.Id, answer["id"].GetGuid());
        Assert.Equal("viewer", answer.Text("role"));
        Assert.Equal("active", answer.Text("status"));
        Assert.Equal($$"""{"id":"{{acme.Id}}","slug":"{{acme.Slug}}","name":"acme"}""", answer["org"].GetRawText());
        var cookie = answer.Header("Set-Cookie")!;
        Assert.Matches(
            "^__Host-chatlogger=[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+; max-age=43200; path=/; secure; samesite=strict; "
                + "httponly$",
            cookie);
        Assert.DoesNotContain(cookie.Split('=')[1].Split(';')[0], answer.Body, StringComparison.Ordinal);
        Assert.Equal(
            1,
            await app.Value<long>(
                "select count(*) from sessions where user_id = @Id and expires_at = created_at + interval '12 hours'",
                new { ann.Id }
            ) - 1
        ); // The member's own caller has one too.
        (await app.Stranger.WithCookie(cookie.Split(';')[0]).Get("/users/me")).Is(200);
    }

    [Fact]
    public async Task The_address_may_be_written_in_any_of_its_spellings()
    {
        var acme = await app.Org("acme");
        var email = $"Ünal.{Guid.NewGuid():N}@Acme.Example";
        await app.Send(new CreateMember.Command(acme.Id, email, null, "user", Persona.Password, Persona.Operator));

        foreach (
            var spelling in new[] { email, email.ToUpperInvariant(), $"  {email}\t", email.Normalize(System.Text.NormalizationForm.FormD) })
            (await app.Stranger.Post("/auth/login", new { email = spelling, password = Persona.Password })).Is(200);
    }

    [Fact]
    public async Task Every_wrong_credential_gets_the_same_answer()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var ann = await acme.Member("user");
        var disabled = await acme.Member("user");
        await app.Execute("update users set disabled_at = now() where id = @Id", new { disabled.Id });
        var removed = await acme.Member("user");
        await app.Execute("update users set removed_at = now(), email = null, password_hash = null where id = @Id", new { removed.Id });
        var orphan = await globex.Member("admin");
        await app.Execute("update organizations set deleted_at = now() where id = @Id", new { globex.Id });
        (string Email, string Password)[] wrong =
        [
            ("nobody@nowhere.example", Persona.Password),
            (ann.Email, "wrong horse battery"),
            (ann.Email, Persona.Password + " "),
            (ann.Email, new string('x', 3000)),
            (disabled.Email, Persona.Password),
            (removed.Email, Persona.Password),
            (orphan.Email, Persona.Password),
            ("not an address", Persona.Password),
            ("' or 1=1 --", Persona.Password),
        ];

        var bodies = new HashSet<string>();
        foreach (var (email, password) in wrong)
        {
            var answer = await app.Stranger.Post("/auth/login", new { email, password });
            bodies.Add(answer.IsProblem(401, "unauthenticated").Comparable);
            Assert.Null(answer.Header("Set-Cookie"));
        }
        Assert.Single(bodies);
        Assert.Contains(
            app.Log.All,
            line =>
                line.Contains("login.refusal", StringComparison.Ordinal) && line.Contains(disabled.Id.ToString(), StringComparison.Ordinal)
        );
        Assert.DoesNotContain(
            app.Log.All,
            line => line.Contains(Persona.Password, StringComparison.Ordinal) || line.Contains("nobody@nowhere", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{}", "email")]
    [InlineData("""{"email":"a@b.example"}""", "password")]
    [InlineData("""{"email":"","password":"x"}""", "email")]
    [InlineData("""{"email":"a@b.example","password":""}""", "password")]
    [InlineData("""{"email":["a"],"password":"x"}""", "email")]
    [InlineData("""{"email":"a@b.example","password":"x","remember":true}""", "body")]
    [InlineData("""{"email":"a@b.example","password":"x\u0000"}""", "password")]
    public async Task Only_the_shape_is_checked(string body, string path) => (await app.Stranger.Post("/auth/login", body)).IsInvalid(path);

    [Fact]
    public async Task A_body_over_4_KiB_is_no_login()
    {
        var answer = await app.Stranger.Post("/auth/login", new { email = "a@b.example", password = new string('x', 4096) });

        answer.IsProblem(413, "body-too-large");
    }

    [Fact]
    public async Task A_hash_with_a_lower_cost_is_renewed_at_login()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("user");
        var costlier = new Bcrypt(5);
        await app.Execute("update users set password_hash = @Hash where id = @Id", new { ann.Id, Hash = costlier.Hash(Persona.Password) });
        await app.LogIn(ann.Email);
        Assert.StartsWith(
            "$2a$05$",
            await app.Value<string>("select password_hash from users where id = @Id", new { ann.Id }),
            StringComparison.Ordinal);

        await app.Execute(
            "update users set password_hash = replace(@Hash, '$2a$', '$2y$') where id = @Id",
            new { ann.Id, Hash = new Bcrypt(4).Hash(Persona.Password) });
        await app.LogIn(ann.Email);
        Assert.True(app.Services.GetRequiredService<IPasswordHasher>().Verify(
            Persona.Password, (await app.Value<string>("select password_hash from users where id = @Id", new { ann.Id }))!));
    }
}
