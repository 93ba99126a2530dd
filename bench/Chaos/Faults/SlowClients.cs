using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Many callers send their headers or bodies a byte a second, or never. The service disconnects them, they hold no transaction, and no
/// other caller notices.
/// </summary>
internal sealed class SlowClients() : Fault("slow")
{
    private const int Each = 100;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    private string told = "";

    public override bool FailsNobody => true;

    public override bool IsShort => false;

    public override double Lasts => 0;

    public override async Task Begin(TestEnvironment site)
    {
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST /api/v1/orgs/{TestEnvironment.Slug}/chats HTTP/1.1\r\nHost: drill\r\nx-organization-api-key: {site.Key}\r\n");
        var slow = Enumerable
            .Range(0, Each)
            .SelectMany(_ =>
                new[]
                {
                    UntilCut(site.Service.Port, head, "x-slow: "),
                    UntilCut(site.Service.Port, head + "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", " "),
                })
            .ToList();
        var all = Task.WhenAll(slow);
        long idle = 0;
        while (!all.IsCompleted)
        {
            await Task.WhenAny(all, Task.Delay(1000));
            idle = Math.Max(
                idle,
                await site.Postgres.Count(
                    "select count(*) from pg_stat_activity where application_name = 'chatlogger' and state like 'idle in transaction%' "
                        + "and state_change < now() - interval '1 s'"));
        }
        var took = await all;
        if (took.Max() > Longest)
            Broken.Add(string.Create(CultureInfo.InvariantCulture, $"a slow caller was served for {took.Max().TotalSeconds:0.0} s"));
        if (idle > 0)
            Broken.Add(string.Create(CultureInfo.InvariantCulture, $"{idle} transactions were open and idle"));
        told = string.Create(
            CultureInfo.InvariantCulture,
            $"{2 * Each} callers cut after {took.Min().TotalSeconds:0.0} to {took.Max().TotalSeconds:0.0} s");
    }

    public override Task<string> End(TestEnvironment site) => Task.FromResult(told);

    private static async Task<TimeSpan> UntilCut(int port, string head, string drop)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        var since = TimeProvider.System.GetTimestamp();
        await socket.SendAsync(Encoding.ASCII.GetBytes(head));
        var answer = UntilEnd(socket);
        try
        {
            while (!answer.IsCompleted && TimeProvider.System.GetElapsedTime(since) < 2 * Longest)
            {
                await Task.WhenAny(answer, Task.Delay(1000));
                if (!answer.IsCompleted)
                    await socket.SendAsync(Encoding.ASCII.GetBytes(drop));
            }
        }
        catch (SocketException)
        {
            // Cut while it was sending.
        }
        return TimeProvider.System.GetElapsedTime(since);
    }

    private static async Task UntilEnd(Socket socket)
    {
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer) > 0)
            {
            }
        }
        catch (Exception cut) when (cut is SocketException or ObjectDisposedException)
        {
            // That is an end as well.
        }
    }
}
