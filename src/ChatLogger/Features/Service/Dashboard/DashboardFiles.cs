using System.Collections.Frozen;
using System.Text;
using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>The files of the dashboard, which the build embeds with their compressed forms.</summary>
internal sealed class DashboardFiles
{
    /// <summary>Where the dashboard is, below the base path of the service.</summary>
    public const string Root = "/app";

    private const string Prefix = "dashboard/";

    private const string Missing =
        """
        <!doctype html>
        <html lang="en">
          <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>Chat Logger</title>
          </head>
          <body>
            <h1>The dashboard is not part of this build</h1>
            <p>It is built with Node 20 or later and npm. Install them and build the service again; the build says what failed.</p>
            <p>The API works without it: <a href="{base}/docs">its description</a>.</p>
          </body>
        </html>
        """;

    /// <summary>The path of a file below the dashboard's own, its media type and its content.</summary>
    private readonly FrozenDictionary<string, (string ContentType, EncodedContent Content)> _assets;

    private DashboardFiles(FrozenDictionary<string, (string ContentType, EncodedContent Content)> assets, string? page)
    {
        _assets = assets;
        IsBuilt = page is not null;
        Page = Preloading("/users/me");
        MemberPage = Preloading("/users/me", "/orgs/me");
        ChatsPage = Preloading("/users/me", "/orgs/me", "/orgs/me/chats?limit=50");

        // The base path has only letters, digits and -._~/, so that it needs no escaping.
        BasePathContent Preloading(params string[] requests)
        {
            var links = requests.Select(request => $"<link rel=\"preload\" as=\"fetch\" crossorigin href=\"{{base}}{request}\">");
            var html = (page ?? Missing).Replace("<!-- {preloads} -->", string.Concat(links), StringComparison.Ordinal);
            return new(basePath => Task.FromResult(html.Replace("{base}", basePath, StringComparison.Ordinal)));
        }
    }

    /// <summary>Whether the dashboard is part of the build.</summary>
    public bool IsBuilt { get; }

    /// <summary>
    /// The page, or if the dashboard was not built, one that says so. It names the first requests of its script, so that browsers send them
    /// before they have the script.
    /// </summary>
    public BasePathContent Page { get; }

    /// <summary>The page for a browser that a member of an organization used last.</summary>
    public BasePathContent MemberPage { get; }

    /// <summary>The page for such a browser when it opens the list of chats.</summary>
    public BasePathContent ChatsPage { get; }

    public bool TryGet(string path, out (string ContentType, EncodedContent Content) asset) => _assets.TryGetValue(path, out asset);

    public static DashboardFiles Read()
    {
        var assembly = typeof(DashboardFiles).Assembly;
        var names = assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).ToHashSet();
        var assets = names
            .Where(name => names.Contains($"{name}.br"))
            .ToFrozenDictionary(
                name => name[Prefix.Length..],
                name => (ContentType(name), new EncodedContent(Bytes(name), Bytes($"{name}.br"), Bytes($"{name}.gz"))),
                StringComparer.Ordinal);
        return new(assets, names.Contains($"{Prefix}index.html") ? Encoding.UTF8.GetString(Bytes($"{Prefix}index.html")) : null);

        byte[] Bytes(string name)
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
    }

    private static string ContentType(string name) => Path.GetExtension(name) switch
    {
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => "image/svg+xml",
        var other => throw new InvalidOperationException($"The dashboard has a file of an unknown kind: {other}"),
    };
}
