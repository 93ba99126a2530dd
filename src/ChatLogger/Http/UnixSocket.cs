using System.Net.Sockets;
using ChatLogger.Configuration;

namespace ChatLogger.Http;

/// <summary>Addresses such as <c>http://unix:/run/chatlogger/http.sock</c>: HTTP over a Unix domain socket.</summary>
internal static class UnixSocket
{
    private const string Prefix = "http://unix:";

    // sockaddr_un has room for 108 bytes, the last one a zero.
    private const int MaxPathBytes = 107;

    /// <summary>The socket's file; null when the address is another kind.</summary>
    public static string? PathOf(string url) => url.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? url[Prefix.Length..] : null;

    /// <summary>
    /// Makes way for a socket at this path: the file of a process that was killed is removed; one that somebody listens at, or that is no socket, is not.
    /// </summary>
    /// <exception cref="StartupException">The path cannot be listened at; the message says why.</exception>
    public static void Clear(string path)
    {
        if (!path.StartsWith('/') || System.Text.Encoding.UTF8.GetByteCount(path) > MaxPathBytes)
            throw new StartupException($"A socket's path begins with / and has at most {MaxPathBytes} bytes, as in http://unix:/run/chatlogger/http.sock.");
        if (Path.GetDirectoryName(path) is not { } directory || !Directory.Exists(directory))
            throw new StartupException($"The directory of the socket {path} does not exist.");
        if (!Path.Exists(path))
            return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException nobody) when (nobody.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            File.Delete(path);
            return;
        }
        catch (SocketException)
        {
            throw new StartupException($"{path} is there already and is not a socket that nobody listens at. Remove it, or choose another path.");
        }
        throw new StartupException($"Another process listens at {path}.");
    }

    /// <summary>A client's handler whose connections go to the socket, whatever host the request names.</summary>
    public static SocketsHttpHandler Handler(string path) => new()
    {
        UseProxy = false,
        ConnectCallback = async (_, ct) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };

    // .NET knows links, directories and files. A regular file refuses a connection as well, and must not be removed; it can be opened, a socket cannot.
    private static bool IsSocket(string path)
    {
        try
        {
            using var file = File.Open(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
