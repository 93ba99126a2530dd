using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace ChatLogger.Chaos;

/// <summary>
/// A proxy between the service and PostgreSQL: it forwards, or blocks one direction or both (then it accepts connections without a
/// response, as when a host goes silent), or cuts off the service while PostgreSQL still considers its client connected.
/// </summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly Func<CancellationToken, Task<Socket>> _connect;
    private readonly List<Link> _links = [];
    private readonly List<Link> _forgotten = [];
    private TaskCompletionSource _requests = Open();
    private TaskCompletionSource _answers = Open();
    private long _requestBytes;
    private volatile HeldRequest? _heldRequest;

    /// <param name="database">A connection string; its host may be the directory of a Unix socket.</param>
    public TcpProxy(string database)
    {
        var target = new NpgsqlConnectionStringBuilder(database);
        _connect = ct => Connect(target, ct);
        _listener.Start(512);
        ConnectionString = new NpgsqlConnectionStringBuilder(database)
        {
            Host = "127.0.0.1",
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port,
        }.ConnectionString;
        _ = Accept();
    }

    /// <summary>The database by way of this proxy.</summary>
    public string ConnectionString { get; }

    /// <summary>Bytes that the service has sent, whether or not they were passed on.</summary>
    public long RequestBytes => Interlocked.Read(ref _requestBytes);

    public void HoldRequests() => _requests = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void HoldAnswers() => _answers = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Holds the answers on each connection that sends a request with this text, from that request on.</summary>
    public void HoldAnswersTo(string text) =>
        _heldRequest = new(Encoding.UTF8.GetBytes(text), new(TaskCreationOptions.RunContinuationsAsynchronously));

    /// <summary>The database's host goes silent: it accepts data and never answers.</summary>
    public void HoldEverything()
    {
        HoldRequests();
        HoldAnswers();
    }

    public void Release()
    {
        _heldRequest?.Answers.TrySetResult();
        _heldRequest = null;
        _requests.TrySetResult();
        _answers.TrySetResult();
    }

    /// <summary>Abandons the open connections: they get no response, and are never closed.</summary>
    public void AbandonConnections()
    {
        lock (_links)
        {
            _links.ForEach(link => link.Forget());
            _forgotten.AddRange(_links);
            _links.Clear();
        }
    }

    /// <summary>Ends the connections of the service. PostgreSQL does not notice: running statements go on.</summary>
    public void Cut()
    {
        Link[] links;
        lock (_links)
            links = [.. _links];
        foreach (var link in links)
            link.Cut();
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        Release();
        lock (_links)
            _links.Concat(_forgotten).ToList().ForEach(link => link.Dispose());
        _ending.Dispose();
    }

    private static TaskCompletionSource Open()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }

    private static async Task<Socket> Connect(NpgsqlConnectionStringBuilder target, CancellationToken ct)
    {
        var isPath = target.Host!.StartsWith('/');
        var socket = isPath
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await (isPath
            ? socket.ConnectAsync(new UnixDomainSocketEndPoint($"{target.Host}/.s.PGSQL.{target.Port}"), ct)
            : socket.ConnectAsync(target.Host, target.Port, ct));
        return socket;
    }

    private async Task Accept()
    {
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                var near = await _listener.AcceptSocketAsync(_ending.Token);
                near.NoDelay = true;
                _ = Forward(near);
            }
            catch (Exception over) when (over is OperationCanceledException or SocketException or ObjectDisposedException)
            {
            }
        }
    }

    private async Task Forward(Socket near)
    {
        var link = new Link(near);
        lock (_links)
            _links.Add(link);
        try
        {
            await _requests.Task.WaitAsync(link.Gone);
            link.Far = await _connect(_ending.Token);
            var answers = Pump(link.Far, near, () => Task.WhenAll(_answers.Task, link.Answers), link, isRequest: false);
            await Pump(near, link.Far, () => _requests.Task, link, isRequest: true);
            await answers;
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            if (!link.IsForgotten)
                near.Dispose();
        }
    }

    private async Task Pump(Socket from, Socket to, Func<Task> gate, Link link, bool isRequest)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _ending.Token) is > 0 and var length)
            {
                if (isRequest)
                {
                    Interlocked.Add(ref _requestBytes, length);
                    if (_heldRequest is { } held && buffer.AsSpan(0, length).IndexOf(held.Text) >= 0)
                        link.Answers = held.Answers.Task;
                }
                await gate().WaitAsync(link.Gone);
                for (var sent = 0; sent < length;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), _ending.Token);
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One of the two has disconnected. After a cut the other one keeps its connection until the proxy ends.
            if (!link.Gone.IsCancellationRequested)
                link.End();
        }
    }

    private sealed record HeldRequest(byte[] Text, TaskCompletionSource Answers);

    private sealed class Link : IDisposable
    {
        private readonly CancellationTokenSource _gone = new();
        private readonly Socket _near;

        public Link(Socket near) => (_near, Gone) = (near, _gone.Token);

        public Socket? Far { get; set; }

        /// <summary>Ends when answers on this connection may be passed on.</summary>
        public Task Answers { get; set; } = Task.CompletedTask;

        public CancellationToken Gone { get; }

        public void Cut()
        {
            _gone.Cancel();
            try
            {
                _near.LingerState = new LingerOption(true, 0);
            }
            catch (ObjectDisposedException)
            {
                // The service has closed the connection already.
            }
            _near.Dispose();
        }

        /// <summary>Stops forwarding and keeps the socket open.</summary>
        public void Forget()
        {
            IsForgotten = true;
            _gone.Cancel();
        }

        public bool IsForgotten { get; private set; }

        public void Dispose()
        {
            End();
            _gone.Dispose();
        }

        public void End()
        {
            _gone.Cancel();
            _near.Dispose();
            Far?.Dispose();
        }
    }
}
