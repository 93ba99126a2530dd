using System.Diagnostics;
using ChatLogger.Auth;
using ChatLogger.ExportJobs;
using ChatLogger.Features;
using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Chaos;

/// <summary>Sixty requests at once that need the database, some to each of its pools.</summary>
internal sealed class Requests(App app, IReadOnlyList<(string Name, Func<Task<Answer>> Send, double Seconds)> kinds)
{
    // The answer is there after five seconds; the rest is for a machine that is busy with other tests.
    private const double Slack = 5;

    public static async Task<Requests> Of(App app)
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var member = await acme.Member("admin");
        var admin = member.Caller;
        var chat = await acme.Chat();
        await acme.Say(chat, "hello");
        return new(
            app,
            [
                ("message", () => plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "a" }), 5),
                ("chat", () => plugin.Post($"{acme.ApiPath}/chats", "{}"), 5),
                (
                    "batch",
                    () =>
                        plugin.Post(
                            $"{acme.ApiPath}/batch",
                            new
                            {
                                items = new[]
                                {
                                    new
                                    {
                                        type = "message",
                                        chatId = chat,
                                        role = "user",
                                        content = "a",
                                    },
                                },
                            }),
                    5),
                ("feedback", () => plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating = "up" }), 5),
                ("key", () => app.Stranger.WithKey(ApiKey.Generate().Text).Post($"{acme.ApiPath}/chats", "{}"), 5),
                ("chats", () => admin.Get("/orgs/me/chats"), 5),
                ("messages", () => admin.Get($"/orgs/me/chats/{chat}/messages"), 5),
                ("search", () => admin.Get("/orgs/me/chats?q=hello"), 5),
                ("profile", () => admin.Patch("/users/me", new { name = "new" }), 5),
                ("login", () => app.Stranger.Post("/auth/login", new { email = member.Email, password = Persona.Password }), 5),
                ("export", () => admin.Post("/exports/orgs/me", new { format = "jsonl" }), 5),
                ("ready", () => app.Stranger.Get("/healthz/ready"), 5),
                ("analysis", () => admin.Get("/analytics/orgs/me/summary"), 11),
            ]);
    }

    public async Task AllWork()
    {
        foreach (var (name, send, _) in kinds)
        {
            var status = (await send()).Status;
            Assert.True(status is >= 200 and < 300 || (name == "key" && status == 401), $"{name}: {status}");
        }
    }

    public async Task AreRefusedInTime()
    {
        var since = Stopwatch.GetTimestamp();
        var waiting = Enumerable.Range(0, 5).SelectMany(_ => kinds).Select(async kind =>
        {
            var answer = await kind.Send();
            return (kind.Name, kind.Seconds, Answer: answer, Took: Stopwatch.GetElapsedTime(since).TotalSeconds);
        }).ToList();
        (await app.Stranger.Get("/healthz/live")).Is(200);
        var answers = await Task.WhenAll(waiting);

        Assert.All(answers, one =>
        {
            // A batch has a status for each of its items; when none could be written it is refused as a whole.
            Assert.True(one.Answer.Status == 503, $"{one.Name}: {one.Answer.Status} {one.Answer.Body}");
            Assert.NotNull(one.Answer.Header("Retry-After"));
            Assert.True(one.Took < one.Seconds + Slack, $"{one.Name} took {one.Took:F1} s");
        });
        (await app.Stranger.Get("/healthz/live")).Is(200);
    }

    /// <summary>Uses the pools of exports and of analytics directly: over HTTP the look-up of the session would fail first.</summary>
    public async Task BackstagePoolsGiveUpInTime()
    {
        var since = Stopwatch.GetTimestamp();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(4));
        var export = app
            .Services.GetRequiredService<SyncExport>()
            .TryWrite(new(Guid.NewGuid(), "jsonl", null, null, null, [], null, null), CancellationToken.None);
        var analysis = app
            .Services.GetRequiredService<ISender>()
            .Send(new Summary.Query(Guid.NewGuid(), null, null, null, [], null, 10), deadline.Token);

        await Assert.ThrowsAnyAsync<Exception>(() => export);
        await Assert.ThrowsAnyAsync<Exception>(() => analysis);
        Assert.InRange(Stopwatch.GetElapsedTime(since).TotalSeconds, 0, 5 + Slack);
    }

    /// <summary>All kinds of requests succeed again within ten seconds.</summary>
    public async Task WorkAgain()
    {
        var since = Stopwatch.GetTimestamp();
        var failures = new List<string>();
        while (true)
        {
            try
            {
                await AllWork();
                break;
            }
            catch (Xunit.Sdk.TrueException failure)
            {
                failures.Add($"{Stopwatch.GetElapsedTime(since).TotalSeconds:F1} s: {failure.Message}");
                Assert.True(Stopwatch.GetElapsedTime(since).TotalSeconds < 10 + Slack, string.Join('\n', failures));
            }
        }
        var all = await Task.WhenAll(
            Enumerable
                .Range(0, 3)
                .SelectMany(_ => kinds)
                .Where(kind => kind.Name is not ("key" or "login" or "export"))
                .Select(kind => kind.Send()));
        Assert.All(all, answer => Assert.InRange(answer.Status, 200, 299));
    }
}
