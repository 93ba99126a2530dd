using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using ChatLogger.Http;

namespace ChatLogger.OpenApi;

/// <summary>
/// GET /openapi/v1.json: the OpenAPI document. It is built once, at the first request, and cached as bytes, because it costs a tenth of a
/// second of CPU and anybody may request it.
/// </summary>
internal sealed class ApiDocument(DocumentBuilder builder)
{
    public const string Path = "/openapi/v1.json";

    /// <summary>The maximum number of cached prefixes, because a trusted proxy could send any number of them.</summary>
    private const int MaxCached = 16;

    private const string NoPrefix = "/";

    private readonly ConcurrentDictionary<string, EncodedContent> _cached = new(StringComparer.Ordinal);

    public static void Map(IEndpointRouteBuilder open) =>
        open.MapGet(Path, (ApiDocument document, HttpContext context) => document.Answer(context)).ExcludeFromDescription();

    /// <summary>Returns the document for a service with this base path.</summary>
    public async Task<string> Text(string? prefix)
    {
        var document = JsonNode.Parse(await builder.Document)!.AsObject();
        document["servers"] = new JsonArray(new JsonObject { ["url"] = string.IsNullOrEmpty(prefix) ? NoPrefix : prefix });
        return document.ToJsonString(DocumentBuilder.Written);
    }

    public async Task Answer(HttpContext context)
    {
        var pathBase = context.Request.PathBase;
        var prefix = pathBase.HasValue ? pathBase.ToUriComponent() : NoPrefix;
        if (!_cached.TryGetValue(prefix, out var content))
        {
            // The work is not cancelled with the request or its deadline, because concurrent requests use the result.
            content = EncodedContent.Compress(Encoding.UTF8.GetBytes(await Text(prefix)));
            if (_cached.Count < MaxCached)
                content = _cached.GetOrAdd(prefix, content);
        }
        // The document contains no tenant data, so caches may store it, but must revalidate it.
        await content.Write(context, "application/json; charset=utf-8", "no-cache");
    }
}
