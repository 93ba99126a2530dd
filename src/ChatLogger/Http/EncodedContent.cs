using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace ChatLogger.Http;

/// <summary>Content that is in memory uncompressed and compressed, with a strong entity tag for each encoding.</summary>
internal sealed class EncodedContent
{
    private readonly string _sha256;
    private readonly (string? Name, byte[] Bytes)[] _all;

    /// <param name="identity">The content.</param>
    /// <param name="brotli">The same content in the encoding <c>br</c>.</param>
    /// <param name="gzip">The same content in the encoding <c>gzip</c>.</param>
    public EncodedContent(byte[] identity, byte[] brotli, byte[] gzip)
    {
        _sha256 = Convert.ToHexStringLower(SHA256.HashData(identity));
        // In our order of preference.
        _all = [("br", brotli), ("gzip", gzip), (null, identity)];
    }

    public static EncodedContent Compress(byte[] bytes) => new(
        bytes,
        Compressed(bytes, to => new BrotliStream(to, CompressionLevel.Optimal, leaveOpen: true)),
        Compressed(bytes, to => new GZipStream(to, CompressionLevel.Optimal, leaveOpen: true)));

    /// <summary>Responds with the content in the encoding that the client prefers, or with 304 if the client has it.</summary>
    public async Task Write(HttpContext context, string contentType, string cacheControl)
    {
        var (request, response) = (context.Request, context.Response);
        var headers = request.GetTypedHeaders();
        var (name, bytes) = Preferred(headers.AcceptEncoding);
        response.Headers.Append(HeaderNames.Vary, HeaderNames.AcceptEncoding);
        response.Headers.ETag = Tag(name);
        response.Headers.CacheControl = cacheControl;
        if (headers.IfNoneMatch.Any(known => known.Tag == "*" || known.Tag == Tag(name)))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        response.ContentType = contentType;
        response.ContentLength = bytes.Length;
        if (name is not null)
            response.Headers.ContentEncoding = name;
        if (!HttpMethods.IsHead(request.Method))
            await response.BodyWriter.WriteAsync(bytes, context.RequestAborted);
    }

    // The encodings differ in their bytes, so their tags differ (RFC 9110, 8.8.3.3).
    private string Tag(string? encoding) => encoding is null ? $"\"{_sha256}\"" : $"\"{_sha256}-{encoding}\"";

    private (string? Name, byte[] Bytes) Preferred(IList<StringWithQualityHeaderValue> accepted)
    {
        // A client that rejects all encodings gets the uncompressed content.
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
