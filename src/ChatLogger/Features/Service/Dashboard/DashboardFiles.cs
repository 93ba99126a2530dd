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

    /// <summary>The path of a file below the dashboard's own, its media type and its content.</summary>
    private readonly FrozenDictionary<string, (string ContentType, EncodedContent Content)> _assets;

    private DashboardFiles(FrozenDictionary<string, (string ContentType, EncodedContent Content)> assets, string? page)
    {
        _assets = assets;
        Page = page;
    }

    /// <summary>The page, with <c>{base}</c> in place of the base path; null if the dashboard was not built.</summary>
    public string? Page { get; }

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
