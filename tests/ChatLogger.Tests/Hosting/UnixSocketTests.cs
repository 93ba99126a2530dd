using System.Net.Sockets;
using System.Runtime.Versioning;
using ChatLogger.Configuration;
using ChatLogger.Http;

namespace ChatLogger.Tests.Hosting;

/// <summary>HTTP over a Unix socket, as behind a proxy on the same machine.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class UnixSocketTests : IAsyncLifetime
{
    private const string Secret = "Session__Secret=0123456789abcdef0123456789abcdef";

    private ProcessSandbox _here = null!;
    private string _database = "";

    private string SocketPath => Path.Combine(_here.Root, "http.sock");

    public async Task InitializeAsync()
    {
        _database = await TestServer.NewDatabase();
        _here = new ProcessSandbox();
    }

    public async Task DisposeAsync()
    {
        await _here.CleanUp();
        await TestServer.Drop(_database);
    }

    [Fact]
    public async Task It_is_healthy_survives_a_kill_and_trusts_forwarded_addresses_only_when_configured()
    {
        var first = await Serve();
        Assert.Equal(0, await Health());
        Assert.Contains("Another process listens at", await Refused());
        // Callers have no address and count as one, whatever they say: the third wrong password is one too many.
        Assert.Equal("401 401 429", $"{await Guess("203.0.113.1")} {await Guess("203.0.113.2")} {await Guess("203.0.113.3")}");
        await first.Kill();
        Assert.True(Path.Exists(SocketPath));
        Assert.Equal(1, await Health());

        // The file that the killed process left does not prevent a start.
        var second = await Serve("Proxies__Trusted__0=unix");
        Assert.Equal(0, await Health());
        Assert.Equal("401 401 429", $"{await Guess("203.0.113.4")} {await Guess("203.0.113.4")} {await Guess("203.0.113.4")}");
        Assert.Equal(401, await Guess("203.0.113.5"));
        Assert.Equal(0, await second.Stop());
        Assert.EndsWith("Chat Logger has stopped", Message(second.Output.TrimEnd('\n').Split('\n')[^1]), StringComparison.Ordinal);
    }

    [Fact]
    public void Only_sockets_of_dead_processes_are_removed()
    {
        var file = Path.Combine(_here.Root, "notes.txt");
        File.WriteAllText(file, "mine");
        Assert.Contains(
            "is there already",
            Assert.Throws<StartupException>(() => UnixSocket.Clear(file)).Message,
            StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(file));
        Assert.Contains(
            "is there already",
            Assert.Throws<StartupException>(() => UnixSocket.Clear(_here.Root)).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "does not exist",
            Assert.Throws<StartupException>(() => UnixSocket.Clear(Path.Combine(_here.Root, "no", "http.sock"))).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "begins with /",
            Assert.Throws<StartupException>(() => UnixSocket.Clear("http.sock")).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "107 bytes",
            Assert.Throws<StartupException>(() => UnixSocket.Clear($"/{new string('a', 107)}")).Message,
            StringComparison.Ordinal);

        using (var abandoned = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            abandoned.Bind(new UnixDomainSocketEndPoint(SocketPath));
            Assert.True(Path.Exists(SocketPath));
            // Bound, but no process listens: as after a kill.
            UnixSocket.Clear(SocketPath);
            Assert.False(Path.Exists(SocketPath));
        }
    }

    private async Task<ServiceProcess> Serve(params string[] settings)
    {
        var service = _here.Start(
            [Secret, $"ConnectionStrings__ChatLogger={_database}", "RateLimits__Login__FailuresPerAddress=2", .. settings],
            ["--urls", $"http://unix:{SocketPath}"]);
        await service.Line(new System.Text.RegularExpressions.Regex("is listening on http://unix:/"));
        return service;
    }

    private async Task<string> Refused()
    {
        var service = _here.Start([Secret, $"ConnectionStrings__ChatLogger={_database}"], ["--urls", $"http://unix:{SocketPath}"]);
        Assert.Equal(1, await service.Exit());
        return service.Errors;
    }

    private Task<int> Health() => _here.Start([], ["healthcheck", "--urls", $"http://unix:{SocketPath}"]).Exit();

    private async Task<int> Guess(string address)
    {
        using var http = new HttpClient(UnixSocket.Handler(SocketPath)) { BaseAddress = new Uri("http://localhost") };
        return (
            await new Caller(http, "X-Forwarded-For", address).Post(
                "/auth/login",
                new { email = $"{Guid.NewGuid():N}@nowhere.example", password = "wrong" })
        ).Status;
    }

    private static string Message(string line) => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("message").GetString()!;
}
