using System.Text.Json.Nodes;
using ChatLogger.Http;

namespace ChatLogger.OpenApi;

/// <summary>
/// GET /openapi/v1.json: the OpenAPI document. It is built once for each base path, because it costs a tenth of a second of CPU and anybody
/// may request it.
/// </summary>
internal sealed class ApiDocument
{
    public const string Path = "/openapi/v1.json";

    private readonly DocumentBuilder _builder;
    private readonly BasePathContent _content;

    public ApiDocument(DocumentBuilder builder)
    {
        _builder = builder;
        _content = new BasePathContent(Text);
    }

    public static void Map(IEndpointRouteBuilder open) =>
        open.MapGet(Path, (ApiDocument document, HttpContext context) => document.Answer(context)).ExcludeFromDescription();

    /// <summary>Returns the document for a service with this base path.</summary>
    public async Task<string> Text(string? basePath)
    {
        var document = JsonNode.Parse(await _builder.Document)!.AsObject();
        document["servers"] = new JsonArray(new JsonObject { ["url"] = string.IsNullOrEmpty(basePath) ? "/" : basePath });
        return document.ToJsonString(DocumentBuilder.Written);
    }

    // The document contains no tenant data, so caches may store it.
    public Task Answer(HttpContext context) => _content.Write(context, "application/json; charset=utf-8");
}
