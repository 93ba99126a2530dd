using System.Net;
using System.Net.Sockets;
using ChatLogger.Configuration;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace ChatLogger.Auth;

/// <summary>The reverse proxies that the service trusts to report the client's address. Section <c>Proxies</c>.</summary>
internal sealed record ProxySettings
{
    public const string Section = "Proxies";

    // A client of a Unix socket has no address, and the framework never trusts a connection without one. This address stands for such a
    // client. Its prefix is the discard prefix (RFC 6666), from which no real client connects.
    private static readonly IPAddress UnixPeer = IPAddress.Parse("100::1");

    /// <summary>
    /// Addresses (<c>10.0.0.7</c>) or networks (<c>10.0.0.0/8</c>) of proxies, or <c>unix</c> for every client of a Unix socket:
    /// <c>Proxies__Trusted__0</c>, … Default: none.
    /// </summary>
    public string[] Trusted { get; init; } = [];

    /// <summary>
    /// Null: no proxy is trusted and forwarded headers are ignored, since any client can send them. Otherwise X-Forwarded-For, -Proto,
    /// -Host and -Prefix are read from right to left as long as a trusted proxy added the value; anything further left is not trusted.
    /// </summary>
    /// <exception cref="StartupException">An entry is neither an address nor a network; the message names it.</exception>
    public static ForwardedHeadersOptions? Read(IConfiguration configuration)
    {
        if (!string.IsNullOrEmpty(configuration[$"{Section}:{nameof(Trusted)}"]))
            throw new StartupException(
                $"{Section}__{nameof(Trusted)} is a list: write {Section}__{nameof(Trusted)}__0, {Section}__{nameof(Trusted)}__1, ….");
        var settings = Settings.Bind<ProxySettings>(configuration, Section);
        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto
                | ForwardedHeaders.XForwardedHost | ForwardedHeaders.XForwardedPrefix,
            ForwardLimit = null,
        };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        for (var i = 0; i < settings.Trusted.Length; i++)
        {
            var text = settings.Trusted[i];
            // A variable that is set but empty (compose's ${X:-}) counts as absent.
            if (string.IsNullOrEmpty(text))
                continue;
            if (text == "unix")
                options.KnownProxies.Add(UnixPeer);
            else if (Address(text) is { } address)
                options.KnownProxies.Add(address);
            else if (
                text.Split('/') is [var prefix, _]
                && IPNetwork.TryParse(text, out var network)
                && network.BaseAddress.Equals(Address(prefix)))
                options.KnownIPNetworks.Add(network);
            else
                throw new StartupException(
                    $"{Section}__{nameof(Trusted)}__{i} must be an IP address, or a network such as 10.0.0.0/8 whose address ends where "
                        + "its prefix does, or unix."
                );
        }
        return options.KnownProxies.Count + options.KnownIPNetworks.Count > 0 ? options : null;
    }

    /// <summary>Applies what trusted proxies report to the request: client address, scheme, host and base path.</summary>
    public static void Use(IApplicationBuilder app, ForwardedHeadersOptions options)
    {
        app.Use((context, next) =>
        {
            context.Connection.RemoteIpAddress ??= UnixPeer;
            return next(context);
        });
        app.UseForwardedHeaders(options);
        app.Use((context, next) =>
        {
            if (UnixPeer.Equals(context.Connection.RemoteIpAddress))
                context.Connection.RemoteIpAddress = null;
            // Proxies write the scheme in any case; all code that compares it expects lower case.
            context.Request.Scheme = context.Request.Scheme.ToLowerInvariant();
            return next(context);
        });
    }

    // .NET parses 10.1 and 0x0a000001 as IPv4 addresses, like inet_aton; in a setting they are mistakes.
    private static IPAddress? Address(string text) =>
        IPAddress.TryParse(text, out var address) && (address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == text)
            ? address
            : null;
}
