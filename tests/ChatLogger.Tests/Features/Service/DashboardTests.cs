using System.IO.Compression;
using System.Text.RegularExpressions;

namespace ChatLogger.Tests.Features.Service;

public class DashboardTests(App app) : IClassFixture<App>
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; "
            + "base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

    [Fact]
    public async Task A_browser_is_led_to_the_dashboard_and_others_are_told_what_runs()
    {
        var browser = await Get("/", ("Accept", "text/html,application/xhtml+xml"));
        Assert.Equal((302, "/app/"), (browser.Status, browser.Header("Location")));
        Assert.Equal("Chat Logger", (await app.Stranger.Get("/")).Is(200).Text("name"));
    }

    [Theory]
    [InlineData("/app")]
    [InlineData("/app/")]
    [InlineData("/app/chats/01a22687-3790-7139-9422-58ED48B15D3D?q=a")]
    [InlineData("/app/o/acme/settings/keys")]
    [InlineData("/app/none-of-ours")]
    public async Task Every_path_is_the_page(string path)
    {
        var page = (await app.Stranger.Get(path)).Is(200);

        Assert.Equal("text/html; charset=utf-8", page.Header("Content-Type"));
        Assert.Equal("no-cache", page.Header("Cache-Control"));
        Assert.Equal(Policy, page.Header("Content-Security-Policy"));
        Assert.Equal("nosniff", page.Header("X-Content-Type-Options"));
        Assert.DoesNotMatch(@"<script>|<style|\sstyle=|\son\w+=", page.Body);
        Assert.Equal(304, (await Get(path, ("If-None-Match", page.Header("ETag")!))).Status);
    }

    [DashboardFact]
    public async Task It_names_the_requests_that_its_script_begins_with()
    {
        const string Chats = "/users/me /orgs/me /orgs/me/chats?limit=50";
        (string Path, string? IsMember, string Requests)[] pages =
        [
            ("/app/", null, "/users/me"),
            ("/app/", "no", "/users/me"),
            ("/app", "yes", Chats),
            ("/app/chats", "yes", Chats),
            ("/app/chats?q=a", "yes", "/users/me /orgs/me"),
            ("/app/overview", "yes", "/users/me /orgs/me"),
            ("/app/o/acme/chats", "yes", "/users/me"),
        ];
        foreach (var (path, isMember, requests) in pages)
        {
            var page = (await Get(path, ("Cookie", $"chatlogger-member={isMember}"))).Is(200);

            var preloads = Regex.Matches(page.Body, "<link rel=\"preload\" as=\"fetch\" crossorigin href=\"([^\"]+)\">");
            Assert.Equal((path, requests), (path, string.Join(' ', preloads.Select(match => match.Groups[1].Value))));
            Assert.DoesNotContain("{", page.Body);
            Assert.Contains("Cookie", page.Header("Vary"));
        }
    }

    [DashboardFact]
    public async Task Its_files_never_change_and_come_as_the_browser_accepts_them()
    {
        var page = (await app.Stranger.Get("/app/")).Is(200);
        var files = Regex.Matches(page.Body, "(?:src|href)=\"(/app/assets/[^\"]+)\"").Select(match => match.Groups[1].Value).ToList();
        Assert.Contains(files, file => file.EndsWith(".js", StringComparison.Ordinal));
        Assert.Contains(files, file => file.EndsWith(".css", StringComparison.Ordinal));

        foreach (var file in files)
        {
            var plain = await Bytes(file, "identity");
            Assert.Equal("public, max-age=31536000, immutable", plain.Response.Headers.CacheControl!.ToString());
            foreach (var (encoding, open) in Encodings)
            {
                var encoded = await Bytes(file, encoding);
                Assert.Equal([encoding], encoded.Response.Content.Headers.ContentEncoding);
                Assert.NotEqual(plain.Response.Headers.ETag, encoded.Response.Headers.ETag);
                await using var stream = open(new MemoryStream(encoded.Body));
                using var copy = new MemoryStream();
                await stream.CopyToAsync(copy);
                Assert.Equal(plain.Body, copy.ToArray());
                var tag = encoded.Response.Headers.ETag!.ToString();
                Assert.Equal(304, (await Get(file, ("Accept-Encoding", encoding), ("If-None-Match", tag))).Status);
            }
        }
    }

    [DashboardFact]
    public async Task What_the_first_page_loads_is_small()
    {
        var page = (await app.Stranger.Get("/app/")).Is(200);
        var files = Regex.Matches(page.Body, "(?:src|href)=\"(/app/assets/[^\"]+)\"").Select(match => match.Groups[1].Value).ToList();

        var sizes = await Task.WhenAll(files.Select(async file => (await Bytes(file, "gzip")).Body.Length));

        Assert.InRange(sizes.Sum(), 10_000, 70 * 1024);
        Assert.InRange(files.Count, 2, 4);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_a_404() =>
        (await app.Stranger.Get("/app/assets/none.js")).IsSafeProblem(404, "not-found");

    private static readonly (string, Func<Stream, Stream>)[] Encodings =
    [
        ("br", from => new BrotliStream(from, CompressionMode.Decompress)),
        ("gzip", from => new GZipStream(from, CompressionMode.Decompress)),
    ];

    private Task<Answer> Get(string path, params (string Name, string Value)[] headers) => app.Stranger.Send(
        HttpMethod.Get, path, null, request =>
        {
            foreach (var (name, value) in headers)
                request.Headers.TryAddWithoutValidation(name, value);
        });

    private async Task<(HttpResponseMessage Response, byte[] Body)> Bytes(string path, string encoding)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Accept-Encoding", encoding } } };
        var response = await app.Http.SendAsync(request);
        Assert.Equal(200, (int)response.StatusCode);
        return (response, await response.Content.ReadAsByteArrayAsync());
    }
}
