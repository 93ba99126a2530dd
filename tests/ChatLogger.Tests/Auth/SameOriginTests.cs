using ChatLogger.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Auth;

/// <summary>The service with a dashboard that is served from elsewhere.</summary>
public class DashboardElsewhereApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Cors:Origins:0"] = "https://dashboard.example" });
}

public class SameOriginTests(DashboardElsewhereApp app) : IClassFixture<DashboardElsewhereApp>
{
    [Theory]
    [InlineData(null, null, true)]
    [InlineData("self", null, true)]
    [InlineData("self", "same-origin", true)]
    [InlineData(null, "same-origin", true)]
    [InlineData("https://dashboard.example", null, true)]
    [InlineData("https://dashboard.example", "same-site", true)]
    [InlineData("https://dashboard.example", "cross-site", true)]
    [InlineData("self", "cross-site", false)]
    [InlineData("self", "same-site", false)]
    [InlineData("self", "none", false)]
    [InlineData(null, "cross-site", false)]
    [InlineData(null, "same-site", false)]
    [InlineData(null, "none", false)]
    [InlineData(null, "junk", false)]
    [InlineData("null", null, false)]
    [InlineData("", null, false)]
    [InlineData("https://evil.example", null, false)]
    [InlineData("https://evil.example", "same-origin", false)]
    [InlineData("http://dashboard.example", null, false)]
    [InlineData("https://dashboard.example:8443", null, false)]
    [InlineData("https://dashboard.example.evil.example", null, false)]
    [InlineData("https://DASHBOARD.example", null, false)]
    [InlineData("https://dashboard.example/", null, false)]
    [InlineData("other port", null, false)]
    [InlineData("https self", null, false)]
    public async Task What_changes_something_comes_from_our_own_pages_or_an_allowed_origin(string? origin, string? site, bool allowed)
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("admin");
        var credentials = $$"""{"email":"{{member.Email}}","password":"{{Persona.Password}}"}""";
        Task<Answer> Ask(Caller caller, HttpMethod method, string path, string? body) => caller.Send(
            method,
            path,
            body is null ? null : Caller.Json(System.Text.Encoding.UTF8.GetBytes(body)),
            request =>
            {
                if (origin is not null)
                    request.Headers.TryAddWithoutValidation("Origin", origin switch
                    {
                        "self" => $"http://{app.Address.Authority}",
                        "https self" => $"https://{app.Address.Authority}",
                        "other port" => $"http://{app.Address.Host}:1",
                        _ => origin,
                    });
                if (site is not null)
                    request.Headers.TryAddWithoutValidation("Sec-Fetch-Site", site);
            });

        var login = await Ask(app.Stranger, HttpMethod.Post, "/auth/login", credentials);
        var create = await Ask(member.Caller, HttpMethod.Post, "/orgs/me/apikeys", """{"label":"a"}""");
        var change = await Ask(member.Caller, HttpMethod.Patch, "/users/me", """{"name":"changed"}""");
        var read = await Ask(member.Caller, HttpMethod.Get, "/users/me", null);
        var logout = await Ask(member.Caller, HttpMethod.Post, "/auth/logout", null);

        // Who only reads is told apart by the browser: it does not hand the answer to a foreign page.
        read.Is(200);
        Assert.Equal(origin == "https://dashboard.example" ? origin : null, read.Header("Access-Control-Allow-Origin"));
        if (allowed)
        {
            login.Is(200);
            create.Is(201);
            change.Is(200);
            logout.Is(204);
            return;
        }
        foreach (var refused in new[] { login, create, change, logout })
            refused.IsProblem(403, "forbidden");
        Assert.Null(login.Header("Set-Cookie"));
        Assert.Equal("admin", (await member.Caller.Get("/users/me")).Is(200).Text("name"));
        Assert.Equal(0, await acme.Count("api_keys"));
    }

    [Fact]
    public async Task A_plugin_is_no_page_and_may_come_from_anywhere()
    {
        var acme = await app.Org("acme");

        (await (await acme.Plugin()).Send(HttpMethod.Post, $"{acme.Door}/chats", Caller.Json("{}"u8.ToArray()), request =>
        {
            request.Headers.Add("Origin", "https://shop.example");
            request.Headers.Add("Sec-Fetch-Site", "cross-site");
        })).Is(201);
    }
}
