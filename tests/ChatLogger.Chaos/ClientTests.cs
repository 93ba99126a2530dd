using System.Runtime.Versioning;
using ChatLogger.Client;
using Xunit.Abstractions;

namespace ChatLogger.Chaos;

/// <summary>The package ChatLogger.Client, and a service that is killed while it logs and comes back.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ClientTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly ProcessSandbox _here = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _here.CleanUp();

    [Fact]
    public async Task A_service_that_is_killed_twice_has_everything_once_and_in_order()
    {
        var service = await _here.Develop();
        var (email, password, key) = await service.Demo();
        var address = service.Address;
        var dropped = new List<ChatLoggerError>();
        var failed = 0;
        await using var logger = new ChatLoggerClient(new()
        {
            Url = address,
            Slug = "demo",
            Key = key,
            FlushInterval = TimeSpan.FromMilliseconds(20),
            RequestTimeout = TimeSpan.FromSeconds(5),
            OnError = error =>
            {
                if (error.WillRetry)
                    Interlocked.Increment(ref failed);
                else
                    dropped.Add(error);
            },
        });
        var chats = Enumerable.Range(0, 8).Select(_ => logger.Chat()).ToList();
        var logged = chats.ToDictionary(chat => chat, _ => new List<string>());
        using var enough = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; !enough.IsCancellationRequested; i++)
            {
                var chat = chats[i % chats.Count];
                chat.Message("user", $"Message {i}");
                logged[chat].Add($"Message {i}");
                // About as many as a bot of many visitors says; the queue must hold what comes while the service is away.
                await Task.Delay(4);
            }
        });
        for (var round = 0; round < 2; round++)
        {
            var before = logger.Counts.Acknowledged;
            await Wait.Until(() => logger.Counts.Acknowledged > before + 100);
            await service.Kill();
            var known = Volatile.Read(ref failed);
            await Wait.Until(() => Volatile.Read(ref failed) > known);
            service = await _here.Start(["ASPNETCORE_ENVIRONMENT=Development"], "--urls", address.AbsoluteUri).Listening();
        }
        await enough.CancelAsync();
        await writing;
        await Wait.For(logger.FlushAsync());

        Assert.Empty(dropped);
        var login = await service.Http.Post("/auth/login", new { email, password });
        var admin = service.Http.WithCookie(login.Is(200).Header("Set-Cookie")!.Split(';')[0]);
        var (lost, doubled, count) = (0, 0, 0);
        foreach (var (chat, messages) in logged)
        {
            var stored = await Stored(admin, chat.Id);
            count += messages.Count;
            lost += messages.Except(stored).Count();
            doubled += stored.Count - stored.Distinct().Count();
            Assert.Equal(messages, stored);
        }
        output.WriteLine($"{count} messages, {failed} failed requests: {lost} lost, {doubled} doubled");
        Assert.Equal(0, await service.Stop());
    }

    private static async Task<List<string>> Stored(Caller admin, Guid? chatId)
    {
        var stored = new List<string>();
        for (var path = $"/orgs/me/chats/{chatId}/messages?limit=200"; ;)
        {
            var page = (await admin.Get(path)).Is(200);
            stored.AddRange(page["items"].EnumerateArray().Select(message => message.GetProperty("content").GetString()!));
            if (page["nextCursor"].GetString() is not { } cursor)
                return stored;
            path = $"/orgs/me/chats/{chatId}/messages?limit=200&cursor={Uri.EscapeDataString(cursor)}";
        }
    }
}
