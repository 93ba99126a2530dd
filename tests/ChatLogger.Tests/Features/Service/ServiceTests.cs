using System.Text.Json;
using ChatLogger.Http;
using ChatLogger.Tests.Support;

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
    public async Task Not_ready_is_said_when_the_schema_is_older_than_the_program()
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
    public async Task The_version_is_told()
    {
        var answer = (await app.Stranger.Get("/version")).Is(200);

        Assert.Equal("Chat Logger", answer.Text("name"));
        Assert.Matches("^\\d+\\.\\d+\\.\\d+$", answer.Text("version"));
    }

    [Fact]
    public async Task The_document_describes_every_route_and_refers_to_nothing_that_is_not_there()
    {
        var document = (await app.Stranger.Get("/openapi/v1.json")).Is(200).Json;

        Assert.StartsWith("3.1", document.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        var schemas = document.GetProperty("components").GetProperty("schemas");
        foreach (var reference in References(document))
            Assert.True(schemas.TryGetProperty(reference["#/components/schemas/".Length..], out _), reference);
        Assert.Equal(
            ProblemType.All.Select(type => type.Slug),
            schemas.GetProperty("Problem").GetProperty("properties").GetProperty("type").GetProperty("enum").EnumerateArray().Select(slug => slug.GetString()!));

        var operations = document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(operation => (Path: path.Name, operation.Name, operation.Value))).ToArray();
        Assert.Equal(operations.Length, operations.Select(operation => operation.Value.GetProperty("operationId").GetString()).Distinct().Count());
        foreach (var (path, method, operation) in operations)
        {
            Assert.True(operation.TryGetProperty("summary", out _), $"{method} {path} has no summary.");
            var inPath = operation.TryGetProperty("parameters", out var parameters)
                ? parameters.EnumerateArray().Where(parameter => parameter.GetProperty("in").GetString() == "path").Select(parameter => parameter.GetProperty("name").GetString()!).ToArray()
                : [];
            Assert.Equal(path.Split('/').Where(part => part.StartsWith('{')).Select(part => part.Trim('{', '}')), inPath);
        }
        Assert.Equal(
            ["200", "202", "400", "401", "403", "404", "409", "410", "416", "429", "503"],
            document.GetProperty("paths").GetProperty("/exports/orgs/{org}/{exportId}").GetProperty("get").GetProperty("responses")
                .EnumerateObject().Select(response => response.Name).Order(StringComparer.Ordinal));
        var append = document.GetProperty("paths").GetProperty("/api/v1/orgs/{slug}/chats/{chatId}/messages").GetProperty("post");
        Assert.Equal("apiKey", append.GetProperty("security")[0].EnumerateObject().Single().Name);
        Assert.Equal(
            ["role", "content"],
            schemas.GetProperty("AppendMessageRequest").GetProperty("required").EnumerateArray().Select(name => name.GetString()!));
    }

    [Fact]
    public async Task The_page_loads_its_own_scripts_and_no_others()
    {
        (await app.Stranger.Get("/docs")).Is(301);
        var page = (await app.Stranger.Get("/docs/index.html")).Is(200);

        Assert.StartsWith("text/html", page.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Contains("script-src 'self'", page.Header("Content-Security-Policy"), StringComparison.Ordinal);
        (await app.Stranger.Get("/docs/swagger-ui-bundle.js")).Is(200);
    }

    private static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property =>
            property.NameEquals("$ref") ? [property.Value.GetString()!] : References(property.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };
}
