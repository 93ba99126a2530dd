using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Net.Http.Headers;

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

    private readonly ConcurrentDictionary<string, Encodings> _cached = new(StringComparer.Ordinal);

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
        var (request, response) = (context.Request, context.Response);
        var prefix = request.PathBase.HasValue ? request.PathBase.ToUriComponent() : NoPrefix;
        if (!_cached.TryGetValue(prefix, out var encodings))
        {
            // The work is not cancelled with the request or its deadline, because concurrent requests use the result.
            encodings = new(await Text(prefix));
            if (_cached.Count < MaxCached)
                encodings = _cached.GetOrAdd(prefix, encodings);
        }

        var headers = request.GetTypedHeaders();
        var (name, bytes) = encodings.For(headers.AcceptEncoding);
        response.Headers.Append(HeaderNames.Vary, HeaderNames.AcceptEncoding);
        response.Headers.ETag = encodings.Tag(name);
        // The document contains no tenant data, so caches may store it, but must revalidate it.
        response.Headers.CacheControl = "no-cache";
        if (headers.IfNoneMatch.Any(known => known.Tag == "*" || known.Tag == encodings.Tag(name)))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = bytes.Length;
        if (name is not null)
            response.Headers.ContentEncoding = name;
        if (!HttpMethods.IsHead(request.Method))
            await response.BodyWriter.WriteAsync(bytes, context.RequestAborted);
    }

    /// <summary>The document uncompressed and compressed, in our order of preference.</summary>
    private sealed class Encodings
    {
        private readonly string _sha256;
        private readonly (string? Name, byte[] Bytes)[] _all;

        public Encodings(string text)
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(text);
            _sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
            _all =
            [
                ("br", Compressed(bytes, to => new BrotliStream(to, CompressionLevel.Optimal, leaveOpen: true))),
                ("gzip", Compressed(bytes, to => new GZipStream(to, CompressionLevel.Optimal, leaveOpen: true))),
                (null, bytes),
            ];
        }

        // The encodings differ in their bytes, so their tags differ (RFC 9110, 8.8.3.3).
        public string Tag(string? encoding) => encoding is null ? $"\"{_sha256}\"" : $"\"{_sha256}-{encoding}\"";

        public (string? Name, byte[] Bytes) For(IList<StringWithQualityHeaderValue> accepted)
        {
            // A client that rejects all encodings gets the uncompressed document.
            var best = _all[^1];
            var most = 0.0;
            foreach (var each in _all)
            {
                var quality = Quality(accepted, each.Name);
                if (quality > most)
                    (best, most) = (each, quality);
            }
            return best;
        }

        // The quality of the encoding itself, or else of *; identity is acceptable even if not listed.
        private static double Quality(IList<StringWithQualityHeaderValue> accepted, string? name)
        {
            var named = accepted.FirstOrDefault(one => one.Value.Equals(name ?? "identity", StringComparison.OrdinalIgnoreCase))
                ?? accepted.FirstOrDefault(one => one.Value == "*");
            return named is not null ? named.Quality ?? 1 : name is null ? 0.001 : 0;
        }

        private static byte[] Compressed(byte[] bytes, Func<Stream, Stream> into)
        {
            using var buffer = new MemoryStream();
            using (var stream = into(buffer))
                stream.Write(bytes);
            return buffer.ToArray();
        }
    }
}
