using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Support;

/// <summary>The service behind a proxy on the same machine: tests choose the addresses of the callers.</summary>
public class ProxiedApp : App
{
    /// <summary>Additional settings of a class of tests.</summary>
    private protected virtual IEnumerable<KeyValuePair<string, string?>> Set => [];

    /// <summary>A client without any credential at this address.</summary>
    internal Caller From(string address) => new(Http, "X-Forwarded-For", address);

    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection([
            new("Proxies:Trusted:0", "127.0.0.1"),
            new("Proxies:Trusted:1", "10.0.0.0/8"),
            .. Set,
        ]);
}
