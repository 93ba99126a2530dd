using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.Json;

namespace ChatLogger.Chaos;

/// <summary>After kill -9 in the middle of deliveries each message arrives, in order, and doubles can be told by their id.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class WebhookTests : IAsyncLifetime, IDisposable
{
    private readonly ProcessSandbox _here = new();
    private readonly HttpListener _receiver = new();
    private readonly ConcurrentQueue<(string Id, string Chat, int Number)> _received = new();
    private readonly TaskCompletionSource _holdsEnd = new();
    private volatile bool _holds;
    private int _held;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _here.CleanUp();

    public void Dispose() => _receiver.Close();

    [Fact]
    public async Task No_message_is_lost_and_none_comes_twice_under_another_id()
    {
        var url = Receive();
        string[] settings = ["Webhooks__AllowPrivateTargets=true", "Webhooks__Timeout=00:00:01", "Webhooks__Lease=00:00:03"];
        var service = await _here.Develop(settings);
        var demo = await service.Demo();
        var login = (await service.Http.Post("/auth/login", new { email = demo.Email, password = demo.Password })).Is(200);
        var admin = service.Http.WithCookie(login.Header("Set-Cookie")!.Split(';')[0]);
        (await admin.Post("/orgs/me/webhooks", new { url, events = new[] { "message.created" }, withContent = true })).Is(201);
        var chats = new List<string>();
        for (var i = 0; i < 4; i++)
            chats.Add((await Plugin(service).Post("/api/v1/orgs/demo/chats", new { })).Is(201).Text("id"));
        var next = 0;

        for (var round = 0; round < 3; round++)
        {
            // The service is killed while the receiver has deliveries that it has not answered, and others wait.
            for (var i = 0; i < 20; i++, next++)
                (await Plugin(service).Post(
                    $"/api/v1/orgs/demo/chats/{chats[next % chats.Count]}/messages",
                    new { role = "user", content = next.ToString(CultureInfo.InvariantCulture) })).Is(201);
            await Wait.Until(() => _received.Count > 5);
            _holds = true;
            for (var i = 0; i < 20; i++, next++)
                (await Plugin(service).Post(
                    $"/api/v1/orgs/demo/chats/{chats[next % chats.Count]}/messages",
                    new { role = "user", content = next.ToString(CultureInfo.InvariantCulture) })).Is(201);
            await Wait.Until(() => Volatile.Read(ref _held) > 0);
            await service.Kill();
            _holds = false;
            Volatile.Write(ref _held, 0);
            service = await _here.Develop(settings);
        }
        _holdsEnd.SetResult();
        await Wait.Until(() => _received.Select(each => each.Number).Distinct().Count() == next);
        Assert.Equal(0, await service.Stop());

        Assert.Equal(next, _received.Select(each => each.Id).Distinct().Count());
        Assert.All(_received.GroupBy(each => each.Number), message => Assert.Single(message.Select(each => each.Id).Distinct()));
        Assert.True(_received.Count > next, "Nothing came twice, so no delivery was cut.");
        // Without the doubles, each chat is in order.
        Assert.All(_received.GroupBy(each => each.Chat), chat =>
        {
            var numbers = chat.DistinctBy(each => each.Id).Select(each => each.Number).ToList();
            Assert.Equal(numbers.Order(), numbers);
        });

        Caller Plugin(ServiceProcess process) => process.Http.WithKey(demo.Key);
    }

    private string Receive()
    {
        using (var port = new TcpListener(IPAddress.Loopback, 0))
        {
            port.Start();
            _receiver.Prefixes.Add($"http://127.0.0.1:{((IPEndPoint)port.LocalEndpoint).Port}/");
        }
        _receiver.Start();
        _ = Task.Run(async () =>
        {
            while (_receiver.IsListening)
                _ = Answer(await _receiver.GetContextAsync());
        });
        return _receiver.Prefixes.Single();
    }

    private async Task Answer(HttpListenerContext context)
    {
        using var document = await JsonDocument.ParseAsync(context.Request.InputStream);
        var data = document.RootElement.GetProperty("data");
        _received.Enqueue((
            context.Request.Headers["webhook-id"]!,
            data.GetProperty("chatId").GetString()!,
            int.Parse(data.GetProperty("message").GetProperty("content").GetString()!, CultureInfo.InvariantCulture)));
        if (_holds)
        {
            Interlocked.Increment(ref _held);
            await _holdsEnd.Task;
        }
        context.Response.StatusCode = 200;
        context.Response.Close();
    }
}
