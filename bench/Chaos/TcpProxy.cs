using System.Net;
using System.Net.Sockets;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// A TCP proxy with an address that stays while the target behind it comes and goes. While it cuts, it ends connections at the
/// worst moments: after it has forwarded a request, and when it has received the response and would forward it.
/// </summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource outcome = new();
    private readonly Task accepting;
    private long cuts;

    public TcpProxy()
    {
        listener.Start(512);
        // Not in the context of a test, whose few threads other tests keep busy: what waits there would look like a service that stalls.
        accepting = Task.Run(Accept);
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>The port of the target; 0: there is none.</summary>
    public int Target { get; set; }

    /// <summary>The target of every second connection; 0: all go to the same.</summary>
    public int Other { get; set; }

    private long connections;

    /// <summary>The probability that a piece of data is the last one of its connection.</summary>
    public double Cutting { get; set; }

    public long Cuts => Interlocked.Read(ref cuts);

    public async ValueTask DisposeAsync()
    {
        await outcome.CancelAsync();
        listener.Stop();
        await accepting;
        outcome.Dispose();
    }

    private async Task Accept()
    {
        while (!outcome.IsCancellationRequested)
        {
            try
            {
                _ = Connect(await listener.AcceptSocketAsync(outcome.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The client has disconnected already.
            }
        }
    }

    private async Task Connect(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (near)
        {
            try
            {
                near.NoDelay = far.NoDelay = true;
                if (Target == 0)
                    return;
                await far.ConnectAsync(
                    IPAddress.Loopback,
                    Other != 0 && Interlocked.Increment(ref connections) % 2 == 0 ? Other : Target,
                    outcome.Token);
                // Whichever direction ends first ends both.
                await Task.WhenAny(Pump(near, far, afterwards: true), Pump(far, near, afterwards: false));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The target does not listen, or the drill is over.
            }
            finally
            {
                // A reset instead of an orderly close, as when a cable is pulled or a process killed.
                near.LingerState = far.LingerState = new LingerOption(true, 0);
            }
        }
    }

    private async Task Pump(Socket from, Socket to, bool afterwards)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, outcome.Token) is > 0 and var length)
            {
                var cut = Cutting > 0 && Random.Shared.NextDouble() < Cutting;
                if (cut)
                    Interlocked.Increment(ref cuts);
                if (cut && !afterwards)
                    return;
                for (var sent = 0; sent < length;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), outcome.Token);
                if (cut)
                {
                    // Long enough for the service to read the request, and to answer half of them.
                    await Task.Delay(Random.Shared.Next(0, 4), outcome.Token);
                    return;
                }
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One of the two has disconnected.
        }
    }
}
