using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Many callers request a large file and do not read it. No transaction waits for them, the file is not held in memory, and no other caller
/// notices.
/// </summary>
internal sealed class SlowReaders() : Fault("readers")
{
    private const int Many = 200;

    private readonly List<Socket> sockets = [];
    private SecondTenant? neighbour;
    private long idle;

    public override bool FailsNobody => true;

    public override bool IsShort => false;

    public override double Lasts => 2;

    public override async Task Begin(TestEnvironment site)
    {
        neighbour = await SecondTenant.Of(site);
        var path = await neighbour.Export(site);
        for (var i = 0; i < Many; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
            sockets.Add(socket);
            await socket.ConnectAsync(IPAddress.Loopback, site.Service.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /{path} HTTP/1.1\r\nHost: drill\r\nCookie: {neighbour.Cookie}\r\n\r\n"));
        }
        await Task.Delay(TimeSpan.FromSeconds(2));
        idle = await site.Postgres.Count(
            "select count(*) from pg_stat_activity where application_name = 'chatlogger' and state like 'idle in transaction%' and "
                + "state_change < now() - interval '1 s'");
        if (idle > 0)
            Broken.Add(string.Create(CultureInfo.InvariantCulture, $"{idle} transactions were open and idle"));
    }

    public override async Task<string> End(TestEnvironment site)
    {
        var begun = 0;
        foreach (var socket in sockets)
        {
            // The part received so far is the beginning of a valid response.
            var buffer = new byte[16];
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            if (
                await socket.ReceiveAsync(buffer, timeout.Token) > 0
                && Encoding.ASCII.GetString(buffer).StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
                begun++;
            socket.Dispose();
        }
        neighbour!.Dispose();
        if (begun != Many)
            Broken.Add(string.Create(CultureInfo.InvariantCulture, $"only {begun} of {Many} downloads were begun"));
        return string.Create(CultureInfo.InvariantCulture, $"{begun} downloads stood still");
    }
}
