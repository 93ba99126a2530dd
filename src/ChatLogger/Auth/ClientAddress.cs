using System.Buffers.Binary;
using System.Net;

namespace ChatLogger.Auth;

/// <summary>
/// The client address that limits are counted by: an IPv4 address, or the first 64 bits of an IPv6 address, because the client chooses the
/// rest freely. Behind trusted proxies it is the address they report; see <see cref="ProxySettings"/>.
/// </summary>
internal readonly record struct ClientAddress(bool IsV6, ulong Prefix)
{
    public static ClientAddress Of(HttpContext context) => Of(context.Connection.RemoteIpAddress);

    /// <summary>The whole address as text, IPv4 in its own form; null for clients of a Unix socket.</summary>
    public static string? Text(IPAddress? address) =>
        address is { IsIPv4MappedToIPv6: true } ? $"{address.MapToIPv4()}" : address?.ToString();

    /// <summary>Clients of a Unix socket have no address and share one value.</summary>
    public static ClientAddress Of(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address is null || !address.TryWriteBytes(bytes, out var written))
            return default;
        if (written == 4)
            return new(false, BinaryPrimitives.ReadUInt32BigEndian(bytes));
        // A dual-stack socket shows an IPv4 address as ::ffff:192.0.2.1.
        return address.IsIPv4MappedToIPv6
            ? new(false, BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]))
            : new(true, BinaryPrimitives.ReadUInt64BigEndian(bytes));
    }
}
