using System.Buffers.Text;
using System.Text;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Contracts;

/// <summary>Any invalid session cookie is a 401 and leaves nothing in the log.</summary>
public class HostileCookieTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly string[] Odd =
    [
        "null",
        "1",
        "true",
        "\"\"",
        "\"x\"",
        "{}",
        "[]",
        "[null]",
        "[1]",
        "[{}]",
        "[[]]",
        "{\"a\":null}",
    ];

    private static List<string> Tokens()
    {
        var tokens = new List<string>();
        foreach (var name in new[] { "kid", "x5t", "x5c", "jwk", "cty", "zip", "apu", "epk", "crit", "typ", "alg" })
        {
            foreach (var value in Odd)
                tokens.Add($"{Encode($"{{\"alg\":\"HS256\",\"typ\":\"session+jwt\",\"{name}\":{value}}}")}.{Encode("{}")}.AAAA");
        }
        foreach (var algorithm in new[] { "dir", "RSA-OAEP", "A128KW", "ECDH-ES", "ECDH-ES+A128KW", "x", "" })
        {
            foreach (var encryption in new[] { "A128CBC-HS256", "A256GCM", "x", "", "null" })
                tokens.Add(
                    $"{Encode($"{{\"alg\":\"{algorithm}\",\"enc\":\"{encryption}\",\"typ\":\"session+jwt\"}}")}.AAAA.AAAA.AAAA.AAAA");
            tokens.Add($"{Encode($"{{\"alg\":\"{algorithm}\",\"enc\":[null],\"epk\":[],\"typ\":\"session+jwt\"}}")}..AAAA.AAAA.");
        }
        // With a valid header the payload is parsed before the signature is checked.
        foreach (var claim in new[] { "sub", "sid", "iat", "nbf", "exp", "aud", "iss", "actort" })
        {
            foreach (var value in Odd.Append("1e999").Append("99999999999999999999").Append("-1"))
                tokens.Add($"{Encode("""{"alg":"HS256","typ":"session+jwt"}""")}.{Encode($"{{\"{claim}\":{value}}}")}.AAAA");
        }
        return tokens;
    }

    [Fact]
    public async Task Every_foreign_token_is_a_401_and_is_not_logged()
    {
        var before = app.Log.All.Count;

        foreach (var token in Tokens())
            (await app.Stranger.WithCookie($"__Host-chatlogger={token}").Get("/users/me")).IsProblem(401, "unauthenticated");

        Assert.DoesNotContain(
            app.Log.All.Skip(before),
            line => line.StartsWith("Error", StringComparison.Ordinal) || line.Contains("   at ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_range_at_the_beginning_of_time_is_the_caller_s_mistake()
    {
        var viewer = (await (await app.Org("acme")).Member("viewer")).Caller;

        (await viewer.Get("/analytics/orgs/me/summary?from=0002-01-01&to=0003-01-03")).IsInvalid("from");
        (await viewer.Get("/analytics/orgs/me/summary?from=9997-12-31&to=9998-12-31")).Is(200);
        (await viewer.Get("/analytics/orgs/me/summary?to=0002-01-01")).IsInvalid("from");
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
