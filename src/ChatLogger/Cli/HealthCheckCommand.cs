using System.CommandLine;
using ChatLogger.Http;

namespace ChatLogger.Cli;

/// <summary>The command <c>healthcheck</c>: asks a running service whether it is ready.</summary>
internal static class HealthCheckCommand
{
    public static async Task<int> Run(ParseResult line, CancellationToken ct)
    {
        var invocation = Invocation.Of(line);
        var url = line.GetValue(CommandOptions.Url) ?? ServerUrls.Local(CommandLine.Rest(line), invocation.Customize);
        var socket = UnixSocket.PathOf(url);
        if (!Uri.TryCreate(socket is null ? url : "http://localhost", UriKind.Absolute, out var service)
            || service.Scheme is not ("http" or "https"))
            return invocation.Refuse($"{url} is not a URL such as http://127.0.0.1:5080.");
        // Outgoing traffic of a container may need a proxy, but the health check of a local service does not.
        var handler = socket is null ? new SocketsHttpHandler { UseProxy = false } : UnixSocket.Handler(socket);
        using var http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            // Includes the base path, if the address has one.
            using var response = await http.GetAsync(new Uri($"{service.GetLeftPart(UriPartial.Path).TrimEnd('/')}/healthz/ready"), ct);
            return response.IsSuccessStatusCode ? 0 : invocation.Refuse($"{url} answers {(int)response.StatusCode}.");
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return invocation.Refuse($"{url} does not answer.");
        }
    }
}
