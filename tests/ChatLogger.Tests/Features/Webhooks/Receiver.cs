using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ChatLogger.Tests.Features.Webhooks;

/// <summary>What a receiver was sent.</summary>
internal sealed record Received(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    private JsonElement? _json;

    public JsonElement Json => _json ??= JsonDocument.Parse(Body).RootElement;

    public string Id => Headers["webhook-id"];

    public string Type => Json.GetProperty("type").GetString()!;

    public JsonElement Data => Json.GetProperty("data");

    public string Text => Encoding.UTF8.GetString(Body);

    public string? Content => Data.GetProperty("message").GetProperty("content").GetString();
}

/// <summary>A receiver of webhooks on this machine, which answers what a test says.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Channel<Received> _arrived = Channel.CreateUnbounded<Received>();
    private readonly ConcurrentQueue<Received> _all = new();

    private Receiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var received = new Received(
                context.Request.Path.Value!,
                context.Request.Headers.ToDictionary(header => header.Key, header => $"{header.Value}", StringComparer.OrdinalIgnoreCase),
                body.ToArray());
            _all.Enqueue(received);
            _arrived.Writer.TryWrite(received);
            await Answer(received, context);
        });
    }

    /// <summary>By default 204.</summary>
    public Func<Received, HttpContext, Task> Answer { get; set; } = Status(204);

    public string Url => _app.Urls.First();

    public int Port => new Uri(Url).Port;

    /// <summary>Everything that has arrived.</summary>
    public IReadOnlyList<Received> All => [.. _all];

    public static async Task<Receiver> Start()
    {
        var receiver = new Receiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    public static Func<Received, HttpContext, Task> Status(int status) => (_, context) =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    };

    public Task<Received> Next() => Wait.For(_arrived.Reader.ReadAsync().AsTask());

    public async Task<IReadOnlyList<Received>> Next(int count)
    {
        var received = new List<Received>();
        while (received.Count < count)
            received.Add(await Next());
        return received;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }
}
