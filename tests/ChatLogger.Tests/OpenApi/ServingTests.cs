using System.IO.Compression;
using System.Text.Json;
using ChatLogger.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.OpenApi;

public class ServingTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task It_is_made_once_and_whole()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.Stranger.Get(ApiDocument.Path)));

        var document = await app.Services.GetRequiredService<ApiDocument>().Text(null);
        Assert.All(answers, answer =>
        {
            Assert.Equal(document, answer.Is(200).Body);
            Assert.Equal(answer.Header("Content-Length"), $"{System.Text.Encoding.UTF8.GetByteCount(document)}");
            Assert.Equal("no-cache", answer.Header("Cache-Control"));
        });
        // The same instance: the service creates the text only once.
        var builder = app.Services.GetRequiredService<DocumentBuilder>();
        Assert.Same(await builder.Document, await builder.Document);
    }

    [Theory]
    [InlineData("gzip, deflate, br", "br")]
    [InlineData("gzip", "gzip")]
    [InlineData("gzip;q=1.0, br;q=0.5", "gzip")]
    [InlineData("br;q=0, gzip;q=0", null)]
    [InlineData("identity", null)]
    [InlineData("*", "br")]
    [InlineData(null, null)]
    public async Task It_is_compressed_where_that_is_accepted(string? accepts, string? encoding)
    {
        using var response = await Ask(HttpMethod.Get, accepts, null);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(encoding, response.Content.Headers.ContentEncoding.SingleOrDefault());
        Assert.Equal("Accept-Encoding", response.Headers.Vary.Single());
        var bytes = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal(response.Content.Headers.ContentLength, bytes.Length);
        Stream stream = new MemoryStream(bytes);
        stream = encoding switch
        {
            "br" => new BrotliStream(stream, CompressionMode.Decompress),
            "gzip" => new GZipStream(stream, CompressionMode.Decompress),
            _ => stream,
        };
        using var text = new StreamReader(stream);
        Assert.Equal(await app.Services.GetRequiredService<ApiDocument>().Text(null), await text.ReadToEndAsync());
        if (encoding is not null)
            Assert.True(bytes.Length < 40_000, $"Compressed it still has {bytes.Length} bytes.");
    }

    [Fact]
    public async Task A_matching_entity_tag_is_answered_with_304()
    {
        var tags = new HashSet<string>();
        foreach (var accepts in new[] { "br", "gzip", null })
        {
            using var first = await Ask(HttpMethod.Get, accepts, null);
            var tag = first.Headers.ETag!.ToString();
            Assert.True(tags.Add(tag));
            using var again = await Ask(HttpMethod.Get, accepts, $"\"another\", {tag}");
            Assert.Equal(304, (int)again.StatusCode);
            Assert.Empty(await again.Content.ReadAsByteArrayAsync());
            Assert.Equal(tag, again.Headers.ETag!.ToString());
            using var other = await Ask(HttpMethod.Get, accepts, "\"another\"");
            Assert.Equal(200, (int)other.StatusCode);

            using var head = await Ask(HttpMethod.Head, accepts, null);
            Assert.Equal(200, (int)head.StatusCode);
            Assert.Equal(first.Content.Headers.ContentLength, head.Content.Headers.ContentLength);
            Assert.Equal(tag, head.Headers.ETag!.ToString());
            Assert.Empty(await head.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task Below_a_sub_path_it_says_where_the_service_is()
    {
        var documents = app.Services.GetRequiredService<ApiDocument>();

        Assert.Equal("/", Server(await documents.Text("")));
        Assert.Equal("/chat/logger", Server(await documents.Text("/chat/logger")));

        // Whatever prefixes are named, each is served its own.
        for (var i = 0; i < 40; i++)
        {
            var context = new DefaultHttpContext { RequestServices = app.Services };
            context.Request.Method = "GET";
            context.Request.PathBase = $"/p{i}";
            using var body = new MemoryStream();
            context.Response.Body = body;
            await documents.Answer(context);
            Assert.Equal($"/p{i}", Server(System.Text.Encoding.UTF8.GetString(body.ToArray())));
        }

        static string Server(string document) =>
            JsonDocument.Parse(document).RootElement.GetProperty("servers")[0].GetProperty("url").GetString()!;
    }

    private Task<HttpResponseMessage> Ask(HttpMethod method, string? accepts, string? knows)
    {
        var request = new HttpRequestMessage(method, ApiDocument.Path);
        if (accepts is not null)
            request.Headers.AcceptEncoding.ParseAdd(accepts);
        if (knows is not null)
            request.Headers.TryAddWithoutValidation("If-None-Match", knows);
        return app.Http.SendAsync(request);
    }
}
