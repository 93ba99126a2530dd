using ChatLogger.Auth;
using ChatLogger.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Auth;

/// <summary>A session ends at once, and a member's rights are those in the database at the time of the request.</summary>
public class SessionTests(App app) : IClassFixture<App>
{
    [Theory]
    [InlineData("delete from sessions where user_id = @Id")]
    [InlineData("update sessions set created_at = now() - interval '2 days', expires_at = now() - interval '1 second' where user_id = @Id")]
    [InlineData("update users set disabled_at = now() where id = @Id")]
    [InlineData("update users set removed_at = now(), email = null, password_hash = null where id = @Id")]
    [InlineData("update organizations set deleted_at = now() where id = (select org_id from users where id = @Id)")]
    public async Task A_session_ends_with_its_row_its_member_and_their_organization(string sql)
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("admin");
        (await member.Caller.Get("/users/me")).Is(200);

        await app.Execute(sql, new { member.Id });

        (await member.Caller.Get("/users/me")).IsProblem(401, "unauthenticated");
        (await member.Caller.Get("/orgs/me/chats")).IsProblem(401, "unauthenticated");
        (await member.Caller.Post("/orgs/me/apikeys", new { label = "a" })).IsProblem(401, "unauthenticated");
        (await member.Caller.Post("/auth/logout")).IsProblem(401, "unauthenticated");
        Assert.Equal(0, await acme.Count("api_keys"));
    }

    [Fact]
    public async Task A_session_never_acts_as_another_member()
    {
        var acme = await app.Org("acme");
        var (one, other) = (await acme.Member("viewer"), await acme.Member("admin"));

        await app.Execute("update sessions set user_id = @Other where user_id = @One", new { One = one.Id, Other = other.Id });

        (await one.Caller.Get("/users/me")).IsProblem(401, "unauthenticated");
    }

    [Fact]
    public async Task The_role_comes_from_the_database_and_not_from_the_token()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var member = await acme.Member("viewer");
        (await member.Caller.Get("/orgs/me/apikeys")).IsProblem(403, "forbidden");

        await app.Execute("update users set role = 'admin' where id = @Id", new { member.Id });
        (await member.Caller.Get("/orgs/me/apikeys")).Is(200);
        await app.Execute("update users set role = 'user' where id = @Id", new { member.Id });
        (await member.Caller.Get("/orgs/me/apikeys")).IsProblem(403, "forbidden");
        await app.Execute("update users set org_id = @Org, role = 'admin' where id = @Id", new { member.Id, Org = globex.Id });
        (await member.Caller.Get($"/orgs/{acme.Slug}/apikeys")).IsProblem(404, "not-found");
        (await member.Caller.Get($"/orgs/{globex.Slug}/apikeys")).Is(200);
        await app.Execute("update users set org_id = null, role = 'superadmin' where id = @Id", new { member.Id });
        (await member.Caller.Get($"/orgs/{acme.Slug}/apikeys")).Is(200);
        (await member.Caller.Get("/orgs/me/apikeys")).IsProblem(409, "no-organization");
    }

    [Fact]
    public async Task A_session_ends_on_another_instance_too_when_its_member_logs_out()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("viewer");
        var other = await app.AnotherInstance();
        var there = other.Stranger.WithCookie(member.Caller.Credential!);
        (await there.Get("/users/me")).Is(200);

        (await member.Caller.Post("/auth/logout")).Is(204);

        (await there.Get("/users/me")).IsProblem(401, "unauthenticated");
        await other.Stop();
    }

    [Fact]
    public async Task A_session_ends_after_its_lifetime_by_the_clock()
    {
        var own = await app.AnotherInstance();
        var acme = await own.Org("acme");
        var member = await acme.Member("viewer");

        own.Clock.Advance(TimeSpan.FromHours(11.9));
        (await member.Caller.Get("/users/me")).Is(200);
        own.Clock.Advance(TimeSpan.FromHours(0.2));
        (await member.Caller.Get("/users/me")).IsProblem(401, "unauthenticated");
        await own.Stop();
    }

    [Fact]
    public async Task Two_session_cookies_are_refused_and_other_cookies_are_ignored()
    {
        var member = await (await app.Org("acme")).Member("viewer");
        var cookie = member.Caller.Credential!;
        Task<Answer> With(string cookies) => app.Stranger.WithCookie(cookies).Get("/users/me");

        (await With($"{cookie}; {cookie}")).IsProblem(401, "unauthenticated");
        (await With($"{cookie}; __Host-chatlogger=junk")).IsProblem(401, "unauthenticated");
        (await With($"__Host-chatlogger=; {cookie}")).IsProblem(401, "unauthenticated");
        (await With($"a=b; {cookie}; c=d; __Host-chatloggerx=1; x__Host-chatlogger=2")).Is(200);
        (await With(cookie.Replace("__Host-", "", StringComparison.Ordinal))).IsProblem(401, "unauthenticated");
        (await With(cookie.Replace("__Host-", "__host-", StringComparison.Ordinal))).IsProblem(401, "unauthenticated");
        (await With("__Host-chatlogger=" + new string('a', 10_240))).IsProblem(401, "unauthenticated");
        (
            await app.Stranger.Send(
                HttpMethod.Get,
                "/users/me",
                null,
                request => request.Headers.Add("Authorization", "Bearer " + cookie.Split('=')[1]))
        ).IsProblem(401, "unauthenticated");
        (await app.Stranger.Get("/users/me?token=" + cookie.Split('=')[1])).IsProblem(401, "unauthenticated");
    }

    [Fact]
    public async Task In_Production_the_cookie_is_locked_to_the_host_over_TLS()
    {
        var member = await (await app.Org("acme")).Member("viewer");

        var login = (await app.Stranger.Post("/auth/login", new { email = member.Email, password = Persona.Password })).Is(200);
        var logout = (await member.Caller.Post("/auth/logout")).Is(204);

        Assert.Matches(
            "^__Host-chatlogger=[A-Za-z0-9_.-]+; max-age=43200; path=/; secure; samesite=strict; httponly$",
            login.Header("Set-Cookie"));
        Assert.Equal("__Host-chatlogger=; max-age=0; path=/; secure; samesite=strict; httponly", logout.Header("Set-Cookie"));
        Assert.DoesNotContain(login.Header("Set-Cookie")!.Split('=', ';')[1], login.Body, StringComparison.Ordinal);
    }
}

/// <summary>The service as a developer runs it on every address of the machine.</summary>
public class OpenDevelopmentApp : DevelopmentApp
{
    protected override void Customize(WebApplicationBuilder builder)
    {
        base.Customize(builder);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["urls"] = "http://127.0.0.1:0;http://[::]:0" });
    }
}

public class SessionCookieTests(DevelopmentApp loopback) : IClassFixture<DevelopmentApp>
{
    [Fact]
    public async Task In_Development_on_a_loopback_address_the_cookie_is_one_that_http_carries()
    {
        var member = await (await loopback.Org("acme")).Member("viewer");
        var login = (await loopback.Stranger.Post("/auth/login", new { email = member.Email, password = Persona.Password })).Is(200);
        var token = login.Header("Set-Cookie")!.Split('=', ';')[1];

        Assert.Matches("^chatlogger=[A-Za-z0-9_.-]+; max-age=43200; path=/; samesite=strict; httponly$", login.Header("Set-Cookie"));
        (await loopback.Stranger.WithCookie($"chatlogger={token}").Get("/users/me")).Is(200);
        (await loopback.Stranger.WithCookie($"__Host-chatlogger={token}").Get("/users/me")).IsProblem(401, "unauthenticated");
        (await loopback.Stranger.WithCookie($"chatlogger=junk; __Host-chatlogger={token}").Get("/users/me")).IsProblem(
            401,
            "unauthenticated");
    }

    [Fact]
    public async Task In_Development_on_any_other_address_it_is_as_in_Production()
    {
        var app = new OpenDevelopmentApp();
        await app.InitializeAsync();
        try
        {
            Assert.Equal("__Host-chatlogger", ((SessionCookie)app.Services.GetService(typeof(SessionCookie))!).NameForPath(default));
        }
        finally
        {
            await app.DisposeAsync();
        }
    }
}
