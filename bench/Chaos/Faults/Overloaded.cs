using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Another organization's plugins send three times the normal throughput, whether they get responses or not. The service refuses the
/// excess with a time to retry, keeps what it accepts, and accepts not much less than without overload. The queue is short, 200 rows:
/// a load generator on the same machine cannot fill the default queue.
/// </summary>
internal sealed class Overloaded() : Fault("overload")
{
    private const int Together = 64;
    private const int MostOpen = 3_000;
    private const double LeastShare = 0.5;

    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly ConcurrentDictionary<string, int> answers = new();
    private readonly ConcurrentQueue<TimeSpan> latencies = new();
    private volatile bool enough;
    private HttpClient? http;
    private Task rush = Task.CompletedTask;
    private string key = "";
    private Guid[] chats = [];
    private long before;
    private double capacity;
    private long since;
    private int open;
    private int offered;

    public override bool IsShort => false;

    public override bool LeavesService => false;

    public override double Lasts => 10;

    public override async Task Begin(TestEnvironment site)
    {
        var (old, next) = (site.Service, await site.Launch(("Ingest__QueueRows", "200")));
        site.Serves(next);
        await old.Terminate(TimeSpan.FromSeconds(30));
        await old.DisposeAsync();
        using var neighbour = await SecondTenant.Of(site);
        await SecondTenant.Settles(site);
        // A client that sends so much has machines of its own.
        Process.GetCurrentProcess().PriorityClass = ProcessPriorityClass.BelowNormal;
        key = await neighbour.Key();
        chats =
        [
            .. await site.Postgres.Ids(
                $"select id from chats where org_id = (select id from organizations where slug = '{SecondTenant.Slug}') limit 100"),
        ];
        before = await Messages(site);
        http = Client(site.Service.Port);

        await Peace();
        answers.Clear();
        before = await Messages(site);
        await Peace();
        capacity = answers.GetValueOrDefault("201") / Measured.TotalSeconds;
        before += answers.GetValueOrDefault("201");
        if (capacity == 0)
            Broken.Add($"nothing was taken in peace: {Said()}");
        answers.Clear();
        latencies.Clear();
        since = TimeProvider.System.GetTimestamp();
        rush = Task.Run(Rush);
    }

    public override async Task<string> End(TestEnvironment site)
    {
        enough = true;
        await rush;
        var took = TimeProvider.System.GetElapsedTime(since);
        while (Volatile.Read(ref open) > 0)
            await Task.Delay(20);
        http!.Dispose();
        Process.GetCurrentProcess().PriorityClass = ProcessPriorityClass.Normal;

        var taken = answers.GetValueOrDefault("201");
        var there = await Messages(site) - before;
        foreach (var (answer, times) in answers.Where(each => each.Key is not ("201" or "503" or "429")))
            Broken.Add(string.Create(CultureInfo.InvariantCulture, $"{times} × {answer}"));
        if (there != taken)
            Broken.Add(string.Create(CultureInfo.InvariantCulture, $"{taken} were acknowledged, {there} are there"));
        if (taken / took.TotalSeconds < LeastShare * capacity)
            Broken.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"only {taken / took.TotalSeconds:0} a second were taken, {capacity:0} in peace"));
        var slowest = latencies.Max();
        if (slowest > TimeSpan.FromSeconds(5))
            Broken.Add(string.Create(CultureInfo.InvariantCulture, $"an answer took {slowest.TotalSeconds:0.0} s"));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{took.TotalSeconds:0} s; a second: {capacity:0} in peace, {offered / took.TotalSeconds:0} offered, "
                + $"{taken / took.TotalSeconds:0} taken; {Said()}; slowest {slowest.TotalSeconds:0.0} s");
    }

    // The first time only warms up.
    private async Task Peace()
    {
        using var measured = new CancellationTokenSource(Measured);
        await Task.WhenAll(Enumerable.Range(0, Together).Select(_ => Task.Run(async () =>
        {
            while (!measured.IsCancellationRequested)
                await Post();
        })));
    }

    // At a fixed rate, independent of the responses.
    private async Task Rush()
    {
        var started = TimeProvider.System.GetTimestamp();
        var known = 0;
        while (!enough)
        {
            var due = (int)(3 * capacity * TimeProvider.System.GetElapsedTime(started).TotalSeconds);
            for (; due > known; known++)
            {
                // There are no more connections than that; what is not sent is not counted.
                if (Volatile.Read(ref open) >= MostOpen)
                    continue;
                offered++;
                _ = Post();
            }
            await Task.Delay(Tick);
        }
    }

    private async Task Post()
    {
        Interlocked.Increment(ref open);
        var sent = TimeProvider.System.GetTimestamp();
        try
        {
            using var request = new HttpRequestMessage(
                HttpMethod.Post,
                new Uri($"{chats[Random.Shared.Next(chats.Length)]}/messages", UriKind.Relative))
            {
                Content = new ByteArrayContent(
                    Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { role = "user", content = "three times as much" }))),
            };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Add("x-organization-api-key", key);
            using var answer = await http!.SendAsync(request);
            var status = (int)answer.StatusCode;
            Count(
                status is 503 or 429 && answer.Headers.RetryAfter is null
                    ? $"{status} without Retry-After"
                    : status.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
        {
            Count((failure.InnerException ?? failure).Message);
        }
        finally
        {
            latencies.Enqueue(TimeProvider.System.GetElapsedTime(sent));
            Interlocked.Decrement(ref open);
        }
    }

    private void Count(string answer) => answers.AddOrUpdate(answer, 1, (_, times) => times + 1);

    private string Said() =>
        string.Join(
            ", ",
            answers
                .OrderByDescending(each => each.Value)
                .Select(each => string.Create(CultureInfo.InvariantCulture, $"{each.Value} × {each.Key}")));

    private static HttpClient Client(int port) =>
        new(
            new SocketsHttpHandler
            {
                MaxConnectionsPerServer = MostOpen,
                UseCookies = false,
                UseProxy = false,
            })
        {
            BaseAddress = new Uri(
                string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/api/v1/orgs/{SecondTenant.Slug}/chats/")),
            Timeout = TimeSpan.FromSeconds(30),
        };

    private static Task<long> Messages(TestEnvironment site) =>
        site.Postgres.Count(
            $"select count(*) from messages where org_id = (select id from organizations where slug = '{SecondTenant.Slug}')");
}
