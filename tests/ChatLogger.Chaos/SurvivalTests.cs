using System.Globalization;
using System.Runtime.Versioning;
using ChatLogger.PrivatePostgres;

namespace ChatLogger.Chaos;

/// <summary>After kill -9 of the service, of its private database, or of both, every acknowledged message is stored.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class SurvivalTests : IAsyncLifetime
{
    private readonly ProcessSandbox _here = new();
    private readonly List<string> _acknowledged = [];
    private string _messages = "";
    private string _key = "";
    private string _cookie = "";

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _here.CleanUp();

    [Fact]
    public async Task A_killed_service_loses_nothing_and_the_next_finds_the_server_still_running()
    {
        var service = await FirstStart();
        var writing = Write(service, CancellationToken.None);
        await Wait.Until(() => _acknowledged.Count > 50);
        var postmaster = _here.PostmasterPid;

        await service.Kill();
        await Assert.ThrowsAsync<HttpRequestException>(() => writing);

        var next = await _here.Develop();
        Assert.Equal(postmaster, _here.PostmasterPid);
        await EverythingIsThere(next);
        Assert.Equal(0, await next.Stop());
        Assert.False(ProcessTable.Find(postmaster) is { IsAlive: true });
    }

    [Fact]
    public async Task A_killed_database_causes_503_for_a_short_time_and_recovers_without_a_restart_of_the_service()
    {
        // A write waits for its database until the deadline.
        var service = await FirstStart("Server__DatabaseDeadline=00:00:04");
        using var enough = new CancellationTokenSource();
        var writing = Write(service, enough.Token);
        var living = StayAlive(service, enough.Token);
        await Wait.Until(() => _acknowledged.Count > 20);
        var before = _acknowledged.Count;

        Posix.Signal(_here.PostmasterPid, Posix.Kill);
        var down = LoadAwareStopwatch.Start();
        await Wait.Until(() => writing.IsCompleted || Refused > 0);
        var refused = _acknowledged.Count;
        await Wait.Until(() => writing.IsCompleted || _acknowledged.Count > refused + 20);
        await down.Within(10);

        await enough.CancelAsync();
        await writing;
        Assert.True(await living > 10);
        Assert.True(_acknowledged.Count > before);
        await EverythingIsThere(service);
        (await service.Http.Get("/healthz/ready")).Is(200);
        Assert.DoesNotContain("\n   at ", service.Output);
        Assert.Equal(0, await service.Stop());
    }

    [Fact]
    public async Task When_both_are_killed_the_next_start_recovers_everything()
    {
        var service = await FirstStart();
        var writing = Write(service, CancellationToken.None);
        await Wait.Until(() => _acknowledged.Count > 50);

        Posix.Signal(_here.PostmasterPid, Posix.Kill);
        await service.Kill();
        await Assert.ThrowsAsync<HttpRequestException>(() => writing);

        var next = await _here.Develop();
        await EverythingIsThere(next);
        Assert.Equal(0, await next.Stop());
    }

    [Fact]
    public async Task A_start_that_is_interrupted_leaves_no_server_behind()
    {
        var service = _here.Start(["ASPNETCORE_ENVIRONMENT=Development"], "--urls", "http://127.0.0.1:0");
        // initdb is running.
        await Wait.Until(() => Directory.Exists(_here.Data) && Directory.EnumerateDirectories(_here.Data, "database*").Any());

        Assert.Equal(130, await service.Stop());

        Assert.Empty(ProcessTable.PostgresIn(_here.Cluster, ServerAccount.For(null)));
        Assert.DoesNotContain("   at ", service.Errors);
        // No partial cluster blocks the next start.
        Assert.Equal(0, await (await _here.Develop()).Stop());
    }

    private int Refused { get; set; }

    private async Task<ServiceProcess> FirstStart(params string[] settings)
    {
        var service = await _here.Develop(settings);
        var demo = await service.Demo();
        _key = demo.Key;
        var login = await service.Http.Post("/auth/login", new { email = demo.Email, password = demo.Password });
        _cookie = login.Is(200).Header("Set-Cookie")!.Split(';')[0];
        var chat = (await service.Http.WithKey(_key).Post("/api/v1/orgs/demo/chats", new { })).Is(201).Text("id");
        _messages = $"/chats/{chat}/messages";
        return service;
    }

    // One after the other; each is either acknowledged or refused for the moment, never anything else.
    private async Task Write(ServiceProcess service, CancellationToken enough)
    {
        var plugin = service.Http.WithKey(_key);
        for (var number = 0; !enough.IsCancellationRequested; number++)
        {
            var content = number.ToString(CultureInfo.InvariantCulture);
            var answer = await plugin.Post("/api/v1/orgs/demo" + _messages, new { role = "user", content });
            if (answer.Status == 201)
            {
                lock (_acknowledged)
                    _acknowledged.Add(content);
                continue;
            }
            answer.IsProblem(503, "unavailable");
            Assert.InRange(int.Parse(answer.Header("Retry-After")!, CultureInfo.InvariantCulture), 1, 10);
            Refused++;
            await Task.Delay(50, CancellationToken.None);
        }
    }

    private static async Task<int> StayAlive(ServiceProcess service, CancellationToken enough)
    {
        for (var times = 0; ; times++)
        {
            if (enough.IsCancellationRequested)
                return times;
            (await service.Http.Get("/healthz/live")).Is(200);
            await Task.Delay(5, CancellationToken.None);
        }
    }

    private async Task EverythingIsThere(ServiceProcess service)
    {
        var member = service.Http.WithCookie(_cookie);
        List<string> kept = [];
        for (var cursor = ""; cursor is not null;)
        {
            var page = (await member.Get($"/orgs/me{_messages}?limit=200{cursor}")).Is(200);
            kept.AddRange(page["items"].EnumerateArray().Select(message => message.GetProperty("content").GetString()!));
            cursor = page["nextCursor"].GetString() is { } next ? $"&cursor={next}" : null;
        }
        // A write without a response may be stored too; none may be stored twice, and the order is that of the writes.
        Assert.Equal(_acknowledged, kept.Where(_acknowledged.Contains));
        Assert.InRange(kept.Count, _acknowledged.Count, _acknowledged.Count + 1 + Refused);
    }
}
