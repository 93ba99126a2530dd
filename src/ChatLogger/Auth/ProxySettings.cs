using System.Net;
using System.Net.Sockets;
using ChatLogger.Configuration;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace ChatLogger.Auth;

/// <summary>The proxies in front of us, whose word is taken for who is calling. Section <c>Proxies</c>.</summary>
internal sealed record ProxySettings
{
    public const string Section = "Proxies";

    // Whoever connects to a Unix socket has no address, and the framework takes no address for a trusted one. The prefix is that of packets to be
    // thrown away (RFC 6666): nobody else comes from there.
    private static readonly IPAddress UnixPeer = IPAddress.Parse("100::1");

    /// <summary>
    /// Addresses (<c>10.0.0.7</c>) or networks (<c>10.0.0.0/8</c>) of proxies, or <c>unix</c> for whoever connects to a Unix socket:
    /// <c>Proxies__Trusted__0</c>, … Default: none.
    /// </summary>
    public string[] Trusted { get; init; } = [];

    /// <summary>
    /// Null: there are none, and what a header says of the client is anybody's. Else X-Forwarded-For, -Proto, -Host and -Prefix are read from the right,
    /// for as long as each is said by a proxy that is trusted; what stands further left is anybody's again.
    /// </summary>
    /// <exception cref="StartupException">An entry is neither an address nor a network; the message names it.</exception>
    public static ForwardedHeadersOptions? Read(IConfiguration configuration)
    {
        if (!string.IsNullOrEmpty(configuration[$"{Section}:{nameof(Trusted)}"]))
            throw new StartupException($"{Section}__{nameof(Trusted)} is a list: write {Section}__{nameof(Trusted)}__0, {Section}__{nameof(Trusted)}__1, ….");
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
            // A variable that is there but empty (compose's ${X:-}) is as good as absent.
            if (string.IsNullOrEmpty(text))
                continue;
            if (text == "unix")
                options.KnownProxies.Add(UnixPeer);
            else if (Address(text) is { } address)
                options.KnownProxies.Add(address);
            else if (text.Split('/') is [var prefix, _] && IPNetwork.TryParse(text, out var network) && network.BaseAddress.Equals(Address(prefix)))
                options.KnownIPNetworks.Add(network);
            else
                throw new StartupException($"{Section}__{nameof(Trusted)}__{i} must be an IP address, or a network such as 10.0.0.0/8 whose address ends where its prefix does, or unix.");
        }
        return options.KnownProxies.Count + options.KnownIPNetworks.Count > 0 ? options : null;
    }

    /// <summary>Makes what trusted proxies say of the client the request's own: address, scheme, host and sub-path.</summary>
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
            // Proxies write it in any case, and everything that compares it expects the lower one.
            context.Request.Scheme = context.Request.Scheme.ToLowerInvariant();
            return next(context);
        });
    }

    // .NET takes 10.1 and 0x0a000001 for IPv4 addresses, as inet_aton does; who writes that means something else.
    private static IPAddress? Address(string text) =>
        IPAddress.TryParse(text, out var address) && (address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == text) ? address : null;
}
