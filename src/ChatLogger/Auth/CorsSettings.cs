using ChatLogger.Configuration;

namespace ChatLogger.Auth;

/// <summary>The origins of dashboards that are served from other hosts. Section <c>Cors</c>.</summary>
internal sealed record CorsSettings
{
    public const string Section = "Cors";

    /// <summary>Exact origins (<c>https://dashboard.example</c>) that may use the dashboard API: <c>Cors__Origins__0</c>, …</summary>
    public string[] Origins { get; init; } = [];

    /// <exception cref="StartupException">An entry is not an exact origin: no browser would send it, or it would match too
    /// many.</exception>
    public static CorsSettings Read(IConfiguration configuration)
    {
        var settings = Settings.Bind<CorsSettings>(configuration, Section);
        var given = configuration.GetSection($"{Section}:{nameof(Origins)}");
        // The configuration binder silently ignores a list that is given as a single value.
        if (!string.IsNullOrEmpty(given.Value))
            throw new StartupException("Cors__Origins is a list: write Cors__Origins__0, Cors__Origins__1 and so on.");
        foreach (var entry in given.GetChildren())
        {
            if (!Origin.IsExact(entry.Value))
                throw new StartupException(
                    $"Cors__Origins__{entry.Key} must be an origin such as https://dashboard.example: "
                        + "http or https, a host in lower case, a port where it is not the usual one; "
                        + "no path, no slash at the end, no wildcard."
                );
        }
        return settings;
    }
}
