using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Telemetry;

/// <summary>A service with an empty token for metrics.</summary>
public sealed class ReservedApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection([new("Telemetry:MetricsToken", "")]);
}

public sealed class MetricsTokenTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task The_operators_token_opens_them_and_nothing_else_does()
    {
        var acme = await app.Org("acme");
        var read = (await app.Stranger.WithToken(Persona.OperatorToken).Get("/metrics")).Is(200);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", read.Header("Content-Type"));
        Assert.NotEmpty(Exposition.Read(read.Body).Of("chatlogger_build_info"));

        foreach (
            var other in new[]
            {
                "",
                Persona.OperatorToken[..^1],
                $"{Persona.OperatorToken}x",
                $" {Persona.OperatorToken}",
                Persona.OperatorToken.ToUpperInvariant(),
            })
        {
            var refused = (await app.Stranger.WithToken(other).Get("/metrics")).IsProblem(401, "unauthenticated");
            Assert.Equal("Bearer", refused.Header("WWW-Authenticate"));
        }
        (await app.Stranger.Get($"/metrics?token={Persona.OperatorToken}")).IsProblem(401, "unauthenticated");
        (await (await acme.Admin()).Get("/metrics")).IsProblem(401, "unauthenticated");
        (await (await app.Superadmin()).Get("/metrics")).IsProblem(401, "unauthenticated");
        (await (await acme.Plugin()).Get("/metrics")).IsProblem(401, "unauthenticated");
        // Nor does it open anything else.
        (await app.Stranger.WithToken(Persona.OperatorToken).Get("/orgs")).IsProblem(401, "unauthenticated");
    }
}

public sealed class ReservedMetricsTests(ReservedApp app) : IClassFixture<ReservedApp>
{
    [Fact]
    public async Task Without_a_token_there_is_no_such_path()
    {
        var nothing = (await app.Stranger.Get("/no-such-path")).Is(404).Comparable;

        Assert.Equal(nothing, (await app.Stranger.Get("/metrics")).Is(404).Comparable);
        Assert.Equal(nothing, (await app.Stranger.Post("/metrics", new { })).Is(404).Comparable);
        Assert.Equal(nothing, (await app.Stranger.WithToken("").Get("/metrics")).Is(404).Comparable);
        Assert.Equal(nothing, (await app.Stranger.WithToken(Persona.OperatorToken).Get("/metrics")).Is(404).Comparable);
    }
}
