using System.Net;
using System.Net.Sockets;

namespace ChatLogger.Webhooks;

/// <summary>
/// Which addresses webhooks may call: public ones, by the registries of special-purpose addresses (RFC 6890) of IANA. Of IPv6 only what is
/// assigned for use on the Internet is public; everything else is refused, whatever it will be used for.
/// </summary>
internal static class TargetAddress
{
    private static readonly IPNetwork[] Special4 = Networks(
        "0.0.0.0/8", // this network
        "10.0.0.0/8", // private
        "100.64.0.0/10", // shared by providers
        "127.0.0.0/8", // loopback
        "168.63.129.16/32", // the virtual host of Azure
        "169.254.0.0/16", // link-local, and the metadata of cloud providers
        "172.16.0.0/12", // private
        "192.0.0.0/24", // protocol assignments, and the metadata of Oracle's cloud
        "192.0.2.0/24", // documentation
        "192.31.196.0/24", // AS112
        "192.52.193.0/24", // AMT
        "192.88.99.0/24", // relays of 6to4
        "192.168.0.0/16", // private
        "192.175.48.0/24", // AS112
        "198.18.0.0/15", // benchmarks
        "198.51.100.0/24", // documentation
        "203.0.113.0/24", // documentation
        "224.0.0.0/4", // multicast
        "240.0.0.0/4"); // reserved, and broadcast

    private static readonly IPNetwork Global6 = IPNetwork.Parse("2000::/3");

    // Their last 32 bits are an IPv4 address, which a gateway calls (RFC 6052).
    private static readonly IPNetwork Translated6 = IPNetwork.Parse("64:ff9b::/96");

    private static readonly IPNetwork[] Special6 = Networks(
        "2001::/23", // protocol assignments, with the tunnels of Teredo
        "2001:db8::/32", // documentation
        "2002::/16", // the tunnels of 6to4, which contain an IPv4 address
        "2620:4f:8000::/48", // AS112
        "3fff::/20"); // documentation

    public static bool IsPublic(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return !Special4.Any(network => network.Contains(address));
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        if (address.IsIPv4MappedToIPv6)
            return IsPublic(address.MapToIPv4());
        // A zone does not belong to the address.
        var plain = new IPAddress(address.GetAddressBytes());
        if (Translated6.Contains(plain))
            return IsPublic(new IPAddress(plain.GetAddressBytes()[12..]));
        return Global6.Contains(plain) && !Special6.Any(network => network.Contains(plain));
    }

    private static IPNetwork[] Networks(params string[] networks) => [.. networks.Select(IPNetwork.Parse)];
}
