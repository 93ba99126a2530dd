using ChatLogger.Configuration;

namespace ChatLogger.Telemetry;

/// <summary>
/// Who may read the metrics as Prometheus text; without one of these settings nobody can. Section <c>Telemetry</c>. OTLP has the standard
/// settings: <see cref="OtlpSettings"/>.
/// </summary>
internal sealed record TelemetrySettings
{
    public const string Section = "Telemetry";

    private const int MinTokenLength = 16;

    /// <summary>
    /// A separate address that serves <c>/metrics</c>, and nothing else, to anyone: <c>http://127.0.0.1:9464</c>, <c>http://*:9464</c>.
    /// Default: none.
    /// </summary>
    public string? MetricsUrl { get; init; }

    /// <summary>
    /// The token for <c>/metrics</c> on the service's own address (<c>Authorization: Bearer …</c>); at least 16 characters. Default: none.
    /// </summary>
    public string? MetricsToken { get; init; }

    /// <summary>A file that contains the token, instead of <see cref="MetricsToken"/>.</summary>
    public string? MetricsTokenFile { get; init; }

    /// <exception cref="StartupException">The address is malformed, or the token is too easy to guess.</exception>
    public static TelemetrySettings Read(IConfiguration configuration)
    {
        var given = Settings.Bind<TelemetrySettings>(configuration, Section);
        var token = SecretText.Read($"{Section}__MetricsToken", given.MetricsToken, given.MetricsTokenFile);
        if (token is not null && (token.Length < MinTokenLength || token.Any(character => character is <= ' ' or > '~')))
            throw new StartupException(
                $"{Section}__MetricsToken must be at least {MinTokenLength} printable ASCII characters without spaces, for instance from: "
                    + "openssl rand -hex 32"
            );
        var url = string.IsNullOrEmpty(given.MetricsUrl) ? null : given.MetricsUrl.TrimEnd('/');
        if (url is not null && !IsAddress(url))
            throw new StartupException(
                $"{Section}__MetricsUrl must be an address to listen at such as http://127.0.0.1:9464, or http://*:9464 for all.");
        return given with { MetricsUrl = url, MetricsToken = token, MetricsTokenFile = null };
    }

    private static bool IsAddress(string url)
    {
        try
        {
            return BindingAddress.Parse(url) is { Scheme: "http", PathBase: "", IsUnixPipe: false, IsNamedPipe: false };
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
