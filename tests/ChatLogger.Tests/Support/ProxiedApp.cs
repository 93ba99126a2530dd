using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Support;

/// <summary>The service behind a proxy on the same machine: a test says from where its callers come.</summary>
public class ProxiedApp : App
{
    /// <summary>What a class of tests sets in addition.</summary>
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
