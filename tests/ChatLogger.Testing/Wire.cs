using System.Net.Sockets;
using System.Text;

namespace ChatLogger.Testing;

/// <summary>Bytes on a socket, for what an HTTP client would mend or refuse to send.</summary>
internal static class Wire
{
    /// <summary>Sends the text, one byte a character (Latin-1), and reads until the service has answered and closed.</summary>
    public static Task<Answer> Send(Uri address, string request) => Send(address, Encoding.Latin1.GetBytes(request));

    public static async Task<Answer> Send(Uri address, byte[] request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(request);
        return await Read(stream);
    }

    /// <summary>A whole request without a body, that asks for the connection to be closed.</summary>
    public static Task<Answer> Ask(Uri address, string method, string target, params string[] headers) =>
        Send(
            address,
            $"{method} {target} HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: "
                + $"close\r\n{string.Concat(headers.Select(header => header + "\r\n"))}\r\n");

    public static async Task<Answer> Read(NetworkStream stream)
    {
        var received = new MemoryStream();
        var buffer = new byte[16_384];
        try
        {
            while (await Wait.For(stream.ReadAsync(buffer).AsTask()) is > 0 and var count)
            {
                received.Write(buffer, 0, count);
                if (IsWhole(received))
                    break;
            }
        }
        catch (IOException) when (received.Length > 0)
        {
            // A response and then a reset: the service did not wait for the rest of the request.
        }
        return Parse(Encoding.UTF8.GetString(received.GetBuffer(), 0, (int)received.Length));
    }

    private static bool IsWhole(MemoryStream received)
    {
        var text = Encoding.Latin1.GetString(received.GetBuffer(), 0, (int)received.Length);
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var answer = end < 0 ? null : Parse(text[..(end + 4)]);
        return answer?.Header("Content-Length") is { } length && text.Length - end - 4 >= int.Parse(length, null);
    }

    private static Answer Parse(string text)
    {
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        Assert.True(end > 0, $"No answer: {text}");
        var lines = text[..end].Split("\r\n");
        var headers = lines
            .Skip(1)
            .Select(line => line.Split(": ", 2))
            .GroupBy(pair => pair[0], StringComparer.OrdinalIgnoreCase)
            .ToDictionary(pairs => pairs.Key, pairs => string.Join(", ", pairs.Select(pair => pair[1])), StringComparer.OrdinalIgnoreCase);
        return new(int.Parse(lines[0].Split(' ')[1], null), text[(end + 4)..], headers);
    }
}
