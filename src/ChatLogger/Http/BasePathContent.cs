using System.Collections.Concurrent;
using System.Text;

namespace ChatLogger.Http;

/// <summary>
/// A text that names the base path of the service. It is made and compressed once for each base path, at its first request.
/// </summary>
/// <param name="make">Makes the text for a base path, which is empty or begins with a slash.</param>
internal sealed class BasePathContent(Func<string, Task<string>> make)
{
    /// <summary>The maximum number of cached base paths, because a trusted proxy could send any number of them.</summary>
    private const int MaxCached = 16;

    private readonly ConcurrentDictionary<string, EncodedContent> _cached = new(StringComparer.Ordinal);

    /// <summary>Responds with the text for the base path of the request. Caches must revalidate it.</summary>
    public async Task Write(HttpContext context, string contentType)
    {
        var basePath = context.Request.PathBase.ToUriComponent();
        if (!_cached.TryGetValue(basePath, out var content))
        {
            // The work is not cancelled with the request or its deadline, because concurrent requests use the result.
            content = EncodedContent.Compress(Encoding.UTF8.GetBytes(await make(basePath)));
            if (_cached.Count < MaxCached)
                content = _cached.GetOrAdd(basePath, content);
        }
        await content.Write(context, contentType, "no-cache");
    }
}
