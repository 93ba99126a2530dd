namespace ChatLogger.Tests.Features.Service;

public class ServiceTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Health_is_asked_without_credential_and_by_HEAD_too()
    {
        Assert.Equal("""{"status":"live"}""", (await app.Stranger.Get("/healthz/live")).Is(200).Body);
        Assert.Equal("""{"status":"ready"}""", (await app.Stranger.Get("/healthz/ready")).Is(200).Body);
        (await app.Stranger.Send(HttpMethod.Head, "/healthz/live")).Is(200);
        (await app.Stranger.Send(HttpMethod.Head, "/healthz/ready")).Is(200);
    }

    [Fact]
    public async Task Probes_may_add_parameters_to_get_past_caches()
    {
        foreach (var path in new[] { "/healthz/live?t=1", "/healthz/ready?t=1&t=2&%ff" })
        {
            (await app.Stranger.Get(path)).Is(200);
            (await app.Stranger.Send(HttpMethod.Head, path)).Is(200);
        }
        (await app.Stranger.Get("/version?t=1")).IsInvalid("query");
    }

    [Fact]
    public async Task An_older_schema_than_the_programs_is_reported_as_not_ready()
    {
        var other = await app.AnotherInstance();
        try
        {
            await app.Execute("update schemaversions set scriptname = 'aside_' || scriptname where scriptname like '0002%'");
            var answer = await other.Stranger.Get("/healthz/ready");
            Assert.NotNull(answer.IsProblem(503, "unavailable").Header("Retry-After"));
            (await other.Stranger.Get("/healthz/live")).Is(200);
        }
        finally
        {
            await app.Execute("update schemaversions set scriptname = replace(scriptname, 'aside_', '')");
            await other.Stop();
        }
        (await app.Stranger.Get("/healthz/ready")).Is(200);
    }

    [Fact]
    public async Task The_version_is_reported()
    {
        var answer = (await app.Stranger.Get("/version")).Is(200);

        Assert.Equal("Chat Logger", answer.Text("name"));
        Assert.Matches("^\\d+\\.\\d+\\.\\d+$", answer.Text("version"));
    }

    [Fact]
    public async Task The_page_loads_only_its_own_scripts()
    {
        (await app.Stranger.Get("/docs")).Is(301);
        var page = (await app.Stranger.Get("/docs/index.html")).Is(200);

        Assert.StartsWith("text/html", page.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Contains("script-src 'self';", page.Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.DoesNotMatch("<script>[^<]|https?://", page.Body);
        (await app.Stranger.Get("/docs/swagger-ui-bundle.js")).Is(200);
    }
}
