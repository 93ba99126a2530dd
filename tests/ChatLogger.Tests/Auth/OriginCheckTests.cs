using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Auth;

/// <summary>The service with a dashboard that is served from elsewhere.</summary>
public class DashboardElsewhereApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Cors:Origins:0"] = "https://dashboard.example" });
}

public class OriginCheckTests(DashboardElsewhereApp app) : IClassFixture<DashboardElsewhereApp>
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
    public async Task A_changing_request_must_come_from_an_own_page_or_an_allowed_origin(string? origin, string? site, bool allowed)
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

        // The browser protects reads: it does not give the response to a page of another origin.
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

    [Theory]
    [InlineData("Host: chat.example:80", "http://chat.example", 200)]
    [InlineData("Host: CHAT.example", "http://chat.example", 200)]
    [InlineData("Host: chat.example:8080", "http://chat.example:8080", 200)]
    [InlineData("Host: chat.example:443", "http://chat.example", 403)]
    public async Task The_default_port_and_the_case_of_the_host_do_not_change_an_origin(string host, string origin, int status)
    {
        var ann = await (await app.Org("acme")).Member("viewer");

        var body = $$"""{"email":"{{ann.Email}}","password":"{{Persona.Password}}"}""";
        var answer = await Wire.Send(
            app.Address,
            $"POST /auth/login HTTP/1.1\r\n{host}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\nConnection: close\r\n"
            + $"Content-Length: {body.Length}\r\n\r\n{body}");

        answer.Is(status);
    }

    [Fact]
    public async Task A_refused_origin_names_the_settings_and_is_logged_once_in_a_while()
    {
        var ann = await (await app.Org("acme")).Member("viewer");
        app.Clock.Advance(TimeSpan.FromMinutes(2));
        var before = Lines().Count;
        Task<Answer> Ask() => ann.Caller.Send(
            HttpMethod.Patch, "/users/me", Caller.Json("{}"u8.ToArray()), request => request.Headers.Add("Origin", "https://chat.example"));

        for (var i = 0; i < 3; i++)
        {
            var detail = (await Ask()).IsProblem(403, "forbidden").Text("detail");
            Assert.Contains("Cors__Origins__0", detail, StringComparison.Ordinal);
            Assert.Contains("Proxies__Trusted__0", detail, StringComparison.Ordinal);
            Assert.DoesNotContain("chat.example", detail, StringComparison.Ordinal);
        }
        var line = Assert.Single(Lines().Skip(before));
        Assert.Contains("https://chat.example", line, StringComparison.Ordinal);
        Assert.Contains($"http://{app.Address.Authority}", line, StringComparison.Ordinal);

        app.Clock.Advance(TimeSpan.FromMinutes(2));
        await Ask();
        Assert.Equal(before + 2, Lines().Count);
    }

    [Fact]
    public async Task A_login_over_plain_http_from_elsewhere_says_in_the_log_why_it_does_not_hold()
    {
        var elsewhere = new DashboardElsewhereApp();
        await elsewhere.InitializeAsync();
        try
        {
            var ann = await (await elsewhere.Org("acme")).Member("viewer");
            Task<Answer> LogIn(string host) => elsewhere.Stranger.Send(
                HttpMethod.Post,
                "/auth/login",
                Caller.Json(System.Text.Encoding.UTF8.GetBytes($$"""{"email":"{{ann.Email}}","password":"{{Persona.Password}}"}""")),
                request => request.Headers.Host = host);
            int Told() => elsewhere.Log.All.Count(line => line.Contains("It is Secure, so browsers drop it", StringComparison.Ordinal));

            (await LogIn("localhost:5080")).Is(200);
            (await LogIn("[::1]:5080")).Is(200);
            Assert.Equal(0, Told());
            (await LogIn("chat.example")).Is(200);
            (await LogIn("192.168.1.7:5080")).Is(200);
            Assert.Equal(1, Told());
        }
        finally
        {
            await elsewhere.DisposeAsync();
        }
    }

    private List<string> Lines() =>
        [
            .. app.Log.All.Where(line =>
                line.Contains("refused because of its origin: Origin is https://chat.example,", StringComparison.Ordinal)),
        ];

    [Fact]
    public async Task A_plugin_without_an_origin_may_call_from_anywhere()
    {
        var acme = await app.Org("acme");

        (await (await acme.Plugin()).Send(HttpMethod.Post, $"{acme.ApiPath}/chats", Caller.Json("{}"u8.ToArray()), request =>
        {
            request.Headers.Add("Origin", "https://shop.example");
            request.Headers.Add("Sec-Fetch-Site", "cross-site");
        })).Is(201);
    }
}
