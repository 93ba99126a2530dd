using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Accounts;

public class LogoutTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task The_session_ends_on_every_instance_and_the_members_other_sessions_continue()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("viewer");
        var phone = await app.LogIn(ann.Email);
        var other = await app.AnotherInstance();
        try
        {
            var answer = (await ann.Caller.Post("/auth/logout")).Is(204);

            Assert.Matches("^__Host-chatlogger=; max-age=0; path=/; secure; samesite=strict; httponly$", answer.Header("Set-Cookie"));
            Assert.Equal("", answer.Body);
            (await ann.Caller.Get("/users/me")).IsProblem(401, "unauthenticated");
            (await other.Stranger.WithCookie(ann.Caller.Credential!).Get("/users/me")).IsProblem(401, "unauthenticated");
            (await ann.Caller.Post("/auth/logout")).IsProblem(401, "unauthenticated");
            (await phone.Get("/users/me")).Is(200);
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task Log_out_needs_a_session()
    {
        var acme = await app.Org("acme");

        (await app.Stranger.Post("/auth/logout")).IsProblem(401, "unauthenticated");
        (await (await acme.Plugin()).Post("/auth/logout")).IsProblem(401, "unauthenticated");
    }

    [Fact]
    public async Task A_superadmin_logs_out_too() => (await (await app.Superadmin()).Post("/auth/logout")).Is(204);
}
