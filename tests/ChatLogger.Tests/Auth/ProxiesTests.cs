using System.Net;
using ChatLogger.Auth;
using ChatLogger.Configuration;
using ChatLogger.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Auth;

/// <summary>An address is limited after two wrong passwords, which shows which address the service attributes a request to.</summary>
public class TwoAttemptsApp : ProxiedApp
{
    private protected override IEnumerable<KeyValuePair<string, string?>> Set => [new("RateLimits:Login:FailuresPerAddress", "2")];
}

/// <summary>The same without any proxy.</summary>
public class NoProxyApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection([new("RateLimits:Login:FailuresPerAddress", "2")]);
}

public class ProxiesTests(TwoAttemptsApp app) : IClassFixture<TwoAttemptsApp>
{
    [Theory]
    [InlineData("203.0.113.1", "203.0.113.1", "203.0.113.2")]
    // The leftmost value is the client's own.
    [InlineData("198.51.100.1, 203.0.113.3", "198.51.100.2, 203.0.113.3", "203.0.113.4")]
    [InlineData("203.0.113.5, 10.0.0.9", "198.51.100.1, 203.0.113.5, 10.1.2.3, 10.0.0.9", "203.0.113.6, 10.0.0.9")]
    [InlineData("10.0.0.9, 203.0.113.7", "10.0.0.8, 203.0.113.7", "10.0.0.9, 203.0.113.8")]
    [InlineData("203.0.113.9:1234", "[::ffff:203.0.113.9]:4321", "203.0.113.10:1234")]
    [InlineData("2001:db8:1:1::1", "2001:db8:1:1:ffff::2", "2001:db8:1:2::1")]
    // A value that is not an address is ignored; the nearest known hop is used instead.
    [InlineData("junk, 10.77.0.1", "<script>, 10.77.0.1", "junk, 10.77.0.2")]
    public async Task A_client_is_who_the_last_trusted_proxy_says(string first, string again, string another)
    {
        (await Guess(first)).IsProblem(401, "unauthenticated");
        (await Guess(again)).IsProblem(401, "unauthenticated");

        (await Guess(first)).IsProblem(429, "throttled");
        (await Guess(again)).IsProblem(429, "throttled");
        (await Guess(another)).IsProblem(401, "unauthenticated");
        Assert.DoesNotContain(app.Log.All, line => line.Contains("<script>", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_dashboard_behind_a_proxy_with_TLS_is_our_own_origin()
    {
        var ann = await (await app.Org("acme")).Member("viewer");
        Task<Answer> Rename(string origin, string? proto, string? host) => ann.Caller.Send(
            HttpMethod.Patch, "/users/me", Caller.Json("""{"name":"Ann"}"""u8.ToArray()), request =>
            {
                request.Headers.Add("Origin", origin);
                request.Headers.Add("X-Forwarded-For", "203.0.113.77");
                if (proto is not null)
                    request.Headers.Add("X-Forwarded-Proto", proto);
                if (host is not null)
                    request.Headers.Add("X-Forwarded-Host", host);
            });

        (await Rename("https://chat.example", "https", "chat.example")).Is(200);
        (await Rename($"https://{app.Address.Authority}", "https", null)).Is(200);
        // An explicit default port and upper case are equivalent: browsers omit the port and write lower case.
        (await Rename("https://chat.example", "https", "chat.example:443")).Is(200);
        (await Rename("https://chat.example", "HTTPS", "Chat.Example")).Is(200);
        (await Rename("http://chat.example", "HTTP", "chat.example:80")).Is(200);
        (await Rename("https://chat.example:80", "https", "chat.example:80")).Is(200);
        (await Rename("https://chat.example", "https", "chat.example:80")).IsProblem(403, "forbidden");
        (await Rename("https://chat.example", "https", "chat.example:8443")).IsProblem(403, "forbidden");
        (await Rename("https://chat.example", "http", "chat.example")).IsProblem(403, "forbidden");
        (await Rename("https://evil.example", "https", "chat.example")).IsProblem(403, "forbidden");
        (await Rename("https://chat.example", "https", null)).IsProblem(403, "forbidden");
    }

    [Fact]
    public async Task Without_a_trusted_proxy_forwarded_headers_are_ignored()
    {
        var plain = new NoProxyApp();
        await plain.InitializeAsync();
        try
        {
            var ann = await (await plain.Org("acme")).Member("viewer");
            (await ann.Caller.Send(HttpMethod.Patch, "/users/me", Caller.Json("{}"u8.ToArray()), request =>
            {
                request.Headers.Add("Origin", "https://evil.example");
                request.Headers.Add("X-Forwarded-Proto", "https");
                request.Headers.Add("X-Forwarded-Host", "evil.example");
            })).IsProblem(403, "forbidden");

            var statuses = new List<int>();
            for (var i = 1; i <= 3; i++)
                statuses.Add(
                    (
                        await new Caller(plain.Http, "X-Forwarded-For", $"203.0.113.{i}").Post(
                            "/auth/login",
                            new { email = ann.Email, password = "wrong" })
                    ).Status);
            Assert.Equal([401, 401, 429], statuses);
        }
        finally
        {
            await plain.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("proxy.example")]
    [InlineData("10.1")]
    [InlineData("0x0a000001")]
    [InlineData("10.0.0.1/8")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/")]
    [InlineData("10/8")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("10.0.0.1, 10.0.0.2")]
    [InlineData("*")]
    public void A_proxy_is_an_address_or_a_network(string text)
    {
        var refused = Assert.Throws<StartupException>(() => Read(("Proxies:Trusted:0", "127.0.0.1"), ("Proxies:Trusted:1", text)));
        Assert.StartsWith("Proxies__Trusted__1 must be an IP address, or a network", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("example", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_named_proxies_are_trusted()
    {
        Assert.Null(Read());
        Assert.Null(Read(("Proxies:Trusted:0", "")));
        var options = Read(("Proxies:Trusted:0", "::1"), ("Proxies:Trusted:1", "2001:db8::/32"))!;
        Assert.Equal([IPAddress.IPv6Loopback], options.KnownProxies);
        Assert.Equal([System.Net.IPNetwork.Parse("2001:db8::/32")], options.KnownIPNetworks);
        Assert.Contains(
            "Proxies__Trusted__0",
            Assert.Throws<StartupException>(() => Read(("Proxies:Trusted", "10.0.0.1"))).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "Proxies__Trust ",
            Assert.Throws<StartupException>(() => Read(("Proxies:Trust:0", "10.0.0.1"))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("fe80::1%1", "fe80::2%2", true)]
    [InlineData("0.0.0.1", "0:0:0:1::", false)]
    public void Addresses_are_counted_by_the_network_that_one_client_has(string one, string other, bool same) =>
        Assert.Equal(same, ClientAddress.Of(IPAddress.Parse(one)) == ClientAddress.Of(IPAddress.Parse(other)));

    private Task<Answer> Guess(string forwardedFor) =>
        app.From(forwardedFor).Post("/auth/login", new { email = $"{Guid.NewGuid():N}@nowhere.example", password = "wrong" });

    private static ForwardedHeadersOptions? Read(params (string Key, string Value)[] given) =>
        ProxySettings.Read(
            new ConfigurationBuilder()
                .AddInMemoryCollection(given.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)))
                .Build());
}
