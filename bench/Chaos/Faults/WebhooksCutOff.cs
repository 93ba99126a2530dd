using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using ChatLogger.Bench.Http;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// kill -9 of the service while a webhook has deliveries without an answer, and others wait: after the next start each event has arrived,
/// and what came twice has one <c>webhook-id</c>.
/// </summary>
internal sealed class WebhooksCutOff() : Fault("webhook"), IDisposable
{
    private const int Chats = 60;

    private static readonly string[] Events = ["feedback.given"];

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private readonly HttpListener receiver = new();
    private readonly ConcurrentQueue<(string Id, string Chat)> received = new();
    private readonly TaskCompletionSource holdsEnd = new();
    private readonly int takes = Random.Shared.Next(Chats / 2);
    private int requests;
    private volatile bool isHeld;
    private List<string> chats = [];
    private List<string> due = [];
    private string webhook = "";

    public override int Rounds => 5;

    // A test of its own kills it more often.
    public override bool IsShort => false;

    public override double Lasts => 0.05;

    public override bool LeavesService => false;

    public override async Task Begin(TestEnvironment site)
    {
        using var http = site.Connect();
        var admin = await site.LogIn(http);
        var url = Receive();
        using var made = await Send(http, admin, HttpMethod.Post, "webhooks", new { url, events = Events });
        if (made.StatusCode != HttpStatusCode.Created)
            throw new ServiceException($"The webhook was not made: {await Problem.Of(made)}");
        webhook = (await Problem.Json(made)).GetProperty("id").GetString()!;
        chats = await Write(http, site);
        // Rates until the receiver holds an answer back, and some more, which wait behind it.
        var behind = Random.Shared.Next(1, Chats / 4);
        var rated = 0;
        while (rated < Chats && (!isHeld || behind-- > 0))
            await Rate(http, site, chats[rated++]);
        while (!isHeld)
            await Task.Delay(1);
        await site.KillService();
        due = chats[..rated];
    }

    public override async Task<string> End(TestEnvironment site)
    {
        var before = received.Count;
        holdsEnd.SetResult();
        await site.StartService();
        var since = TimeProvider.System.GetTimestamp();
        while (due.Except(received.Select(each => each.Chat)).Any())
        {
            if (TimeProvider.System.GetElapsedTime(since) > Timeout)
            {
                var missing = due.Except(received.Select(each => each.Chat)).Count();
                Broken.Add($"{missing} of {due.Count} deliveries are missing a minute after the start");
                break;
            }
            await Task.Delay(20);
        }
        var twice = received.GroupBy(each => each.Chat).Count(chat => chat.Select(each => each.Id).Distinct().Count() > 1);
        if (twice > 0)
            Broken.Add($"{twice} events came under two ids");
        if (received.Select(each => each.Chat).Except(due).Count() is > 0 and var invented)
            Broken.Add($"{invented} events are of chats that were not rated");
        using var http = site.Connect();
        var admin = await site.LogIn(http);
        using var removed = await Send(http, admin, HttpMethod.Delete, $"webhooks/{webhook}", null);
        foreach (var chat in chats)
            (await Send(http, admin, HttpMethod.Delete, $"chats/{chat}", null)).Dispose();
        receiver.Close();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"killed after {before} of {due.Count} deliveries, {received.CountBy(each => each.Id).Count(id => id.Value > 1)} came twice");
    }

    public void Dispose() => receiver.Close();

    private static async Task<List<string>> Write(HttpClient http, TestEnvironment site)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"api/v1/orgs/{TestEnvironment.Slug}/batch")
        {
            Content = JsonContent.Create(new { items = Enumerable.Range(0, Chats).Select(_ => new { type = "chat" }) }),
        };
        request.Headers.Add("x-organization-api-key", site.Key);
        using var answer = await http.SendAsync(request);
        var results = (await Problem.Json(answer)).GetProperty("results");
        return [.. results.EnumerateArray().Select(result => result.GetProperty("id").GetString()!)];
    }

    private static async Task Rate(HttpClient http, TestEnvironment site, string chat)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"api/v1/orgs/{TestEnvironment.Slug}/chats/{chat}/feedback")
        {
            Content = JsonContent.Create(new { rating = "up" }),
        };
        request.Headers.Add("x-organization-api-key", site.Key);
        using var answer = await http.SendAsync(request);
        if (!answer.IsSuccessStatusCode)
            throw new ServiceException($"A chat was not rated: {await Problem.Of(answer)}");
    }

    private static Task<HttpResponseMessage> Send(HttpClient http, DashboardClient admin, HttpMethod method, string path, object? body)
    {
        var request = admin.Ask($"orgs/{TestEnvironment.Slug}/{path}");
        request.Method = method;
        request.Content = body is null ? null : JsonContent.Create(body);
        return http.SendAsync(request);
    }

    private string Receive()
    {
        using (var port = new TcpListener(IPAddress.Loopback, 0))
        {
            port.Start();
            receiver.Prefixes.Add($"http://{port.LocalEndpoint}/");
        }
        receiver.Start();
        _ = Task.Run(async () =>
        {
            while (receiver.IsListening)
                _ = Answer(await receiver.GetContextAsync());
        });
        return receiver.Prefixes.Single();
    }

    private async Task Answer(HttpListenerContext context)
    {
        using var body = await JsonDocument.ParseAsync(context.Request.InputStream);
        received.Enqueue((context.Request.Headers["webhook-id"]!, body.RootElement.GetProperty("data").GetProperty("chatId").GetString()!));
        if (Interlocked.Increment(ref requests) > takes && !holdsEnd.Task.IsCompleted)
        {
            isHeld = true;
            await holdsEnd.Task;
        }
        context.Response.StatusCode = (int)HttpStatusCode.OK;
        context.Response.Close();
    }
}
