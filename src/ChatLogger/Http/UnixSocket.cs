using System.Net.Sockets;
using ChatLogger.Configuration;

namespace ChatLogger.Http;

/// <summary>Addresses such as <c>http://unix:/run/chatlogger/http.sock</c>: HTTP over a Unix domain socket.</summary>
internal static class UnixSocket
{
    private const string Prefix = "http://unix:";

    // sockaddr_un has 108 bytes, the last of which is a zero.
    private const int MaxPathBytes = 107;

    /// <summary>Returns the path of the socket; null when the address is of another kind.</summary>
    public static string? PathOf(string url) => url.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? url[Prefix.Length..] : null;

    /// <summary>
    /// Prepares the path for a new socket: removes the stale socket of a killed process, but neither a socket that a process listens on nor
    /// any other file.
    /// </summary>
    /// <exception cref="StartupException">The path cannot be listened on; the message says why.</exception>
    public static void Clear(string path)
    {
        if (!path.StartsWith('/') || System.Text.Encoding.UTF8.GetByteCount(path) > MaxPathBytes)
            throw new StartupException(
                $"A socket's path begins with / and has at most {MaxPathBytes} bytes, as in http://unix:/run/chatlogger/http.sock.");
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
            throw new StartupException(
                $"{path} is there already and is not a socket that nobody listens at. Remove it, or choose another path.");
        }
        throw new StartupException($"Another process listens at {path}.");
    }

    /// <summary>Creates a client handler that connects to the socket, whatever host the request names.</summary>
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

    // .NET only distinguishes links, directories and files. A regular file refuses a connection too but must not be removed; unlike a
    // socket it can be opened.
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
