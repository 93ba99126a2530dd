using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Browser;

/// <summary>Refuses further attempts from an address after three wrong passwords.</summary>
public class LockingDashboardApp : DashboardApp
{
    protected virtual string Limit => "FailuresPerAddress";

    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection([new($"RateLimits:Login:{Limit}", "3")]);
}

/// <summary>Refuses further attempts at an account after three wrong passwords.</summary>
public class AccountLockingDashboardApp : LockingDashboardApp
{
    protected override string Limit => "FailuresPerAccount";
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

public class AccountLockTests(AccountLockingDashboardApp app) : IClassFixture<AccountLockingDashboardApp>
{
    [BrowserFact]
    public async Task A_locked_account_does_not_tell_a_stranger_that_it_exists()
    {
        var ann = await (await app.Org("acme")).Member("admin");
        await app.Browse(null, async visit =>
        {
            visit.Expects("401 POST /auth/login");
            await visit.Open("/app/");
            foreach (var password in new[] { "wrong", "wrong", "wrong", Persona.Password })
            {
                await visit.SignIn(ann.Email, password);
                await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("password is not right");
                await Expect(visit.Field("Password")).ToHaveValueAsync("");
            }
        });
    }

    [BrowserFact]
    public async Task A_member_who_confirms_with_wrong_passwords_is_told_how_long_to_wait()
    {
        var ann = await (await app.Org("acme")).Member("admin");
        await app.Browse(ann.Caller, async visit =>
        {
            visit.Expects("400 PATCH /users/me", "429 PATCH /users/me");
            await visit.Open("/app/settings/profile");
            var form = visit.Page.Locator("form", new() { Has = visit.Heading("Password") });
            await form.GetByLabel("New password", new() { Exact = true }).FillAsync("another long password");
            foreach (var password in new[] { "wrong", "wrong", "wrong", Persona.Password })
            {
                await form.GetByLabel("Current password", new() { Exact = true }).FillAsync(password);
                await visit.Page.RunAndWaitForResponseAsync(
                    () => form.GetByRole(AriaRole.Button, new() { Name = "Change password" }).ClickAsync(),
                    response => response.Url.EndsWith("/users/me", StringComparison.Ordinal));
            }
            await Expect(form.GetByRole(AriaRole.Alert)).ToContainTextAsync("Too many wrong passwords.");
            await Expect(form.GetByRole(AriaRole.Alert)).ToContainTextAsync(new Regex(@"Try again in \d+ (seconds|minutes?)\."));
            await Expect(form.GetByLabel("New password", new() { Exact = true })).ToHaveValueAsync("another long password");
        });
    }
}
