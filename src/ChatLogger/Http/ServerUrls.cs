using System.Globalization;
using ChatLogger.Configuration;

namespace ChatLogger.Http;

/// <summary>The addresses that the service listens on.</summary>
internal static class ServerUrls
{
    private const string Default = "http://127.0.0.1:5080";

    /// <summary>
    /// Returns the addresses, separated by semicolons. --urls and ASPNETCORE_URLS have precedence over PORT, a convention of platforms that
    /// expect the service on all addresses; the default is loopback.
    /// </summary>
    /// <exception cref="StartupException">PORT is no port.</exception>
    public static string Read(IConfiguration configuration, IHostEnvironment environment)
    {
        if (configuration[WebHostDefaults.ServerUrlsKey] is { Length: > 0 } urls)
            return urls;
        if (configuration["PORT"] is { Length: > 0 } port)
        {
            return int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 65_535
                ? $"http://{(environment.IsDevelopment() ? "127.0.0.1" : "*")}:{number}"
                : throw new StartupException("PORT must be a number from 0 to 65535.");
        }
        if (configuration[WebHostDefaults.HttpPortsKey] is { Length: > 0 } ports)
            return string.Join(';', ports.Split(';').Select(each => $"http://*:{each}"));
        return Default;
    }

    /// <summary>Returns the address at which a service with these arguments is reachable from this machine.</summary>
    public static string Local(string[] args, Action<WebApplicationBuilder>? customize = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        customize?.Invoke(builder);
        return Read(builder.Configuration, builder.Environment).Split(';')[0]
            .Replace("://*", "://127.0.0.1", StringComparison.Ordinal)
            .Replace("://+", "://127.0.0.1", StringComparison.Ordinal)
            .Replace("://[::]", "://127.0.0.1", StringComparison.Ordinal)
            .Replace("://0.0.0.0", "://127.0.0.1", StringComparison.Ordinal);
    }

    /// <summary>Whether every address is plain HTTP on loopback.</summary>
    public static bool ArePlainLoopback(string urls) => urls.Split(';').All(url =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback);
}
