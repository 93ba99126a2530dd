using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Browser;

/// <summary>Refuses further attempts after three wrong passwords.</summary>
public class LockingDashboardApp : DashboardApp
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection([new("RateLimits:Login:FailuresPerAddress", "3")]);
}

public class SignInTests(LockingDashboardApp app) : IClassFixture<LockingDashboardApp>
{
    [BrowserFact]
    public async Task A_wrong_password_is_told_and_a_lock_with_the_time_that_is_left()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("admin");
        await app.Browse(null, async visit =>
        {
            visit.Expects("401 POST /auth/login", "429 POST /auth/login");
            await visit.Open("/app/");
            for (var attempt = 0; attempt < 3; attempt++)
            {
                await visit.SignIn(ann.Email, "wrong");
                await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("password is not right");
                await Expect(visit.Field("Password")).ToHaveValueAsync("");
            }
            await visit.SignIn(ann.Email, Persona.Password);
            await Expect(visit.Page.GetByRole(AriaRole.Alert))
                .ToHaveTextAsync(new Regex(@"^Too many attempts\. Try again in \d+ (seconds|minutes?)\.$"));
            await Expect(visit.Button("Sign in")).ToBeDisabledAsync();
            await Expect(visit.Field("Password")).ToHaveValueAsync(Persona.Password);
        });
    }
}
