using System.Runtime.Versioning;
using System.Text.Json;

namespace ChatLogger.Chaos;

/// <summary>After kill -9 in the middle of an erasure it goes on, and removes and counts everything that it would have.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ErasureTests : IAsyncLifetime
{
    private const int Chats = 60;

    private readonly ProcessSandbox _here = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _here.CleanUp();

    [Fact]
    public async Task An_erasure_is_finished_whole_whenever_the_service_is_killed()
    {
        string[] settings = ["Erasure__BatchChats=1", "Erasure__Interval=00:00:00.050", "Purge__Interval=00:00:00.050"];
        var service = await _here.Develop(settings);
        var demo = await service.Demo();
        await Write(service.Http.WithKey(demo.Key), "v-17");
        await Write(service.Http.WithKey(demo.Key), "v-18");
        var admin = await LogIn();

        // In the middle of the request, which hides one chat at a time.
        var asked = Task.Run(() => admin.Post("/orgs/me/erasures", new { externalUserId = "v-17" }));
        await Wait.Until(async () => await Count("v-17") is > 0 and < Chats);
        await service.Kill();
        await Assert.ThrowsAsync<HttpRequestException>(() => asked);
        // And in the middle of what comes after it.
        for (var round = 0; round < 2; round++)
        {
            service = await _here.Develop(settings);
            admin = await LogIn();
            var before = (await Erasure()).GetProperty("messages").GetInt64();
            await Wait.Until(async () => (await Erasure()) is var now
                && (now.GetProperty("state").GetString() == "done" || now.GetProperty("messages").GetInt64() != before));
            await service.Kill();
        }
        service = await _here.Develop(settings);
        admin = await LogIn();
        await Wait.Until(async () => (await Erasure()).GetProperty("state").GetString() == "done");

        var erasure = await Erasure();
        Assert.Equal(
            [Chats, Chats * 2, Chats],
            new[] { "chats", "messages", "feedback" }.Select(name => erasure.GetProperty(name).GetInt32()));
        var ids = (await admin.Get($"/orgs/me/erasures/{erasure.GetProperty("id").GetString()}/ids")).Is(200).Body;
        Assert.Equal(Chats * 4 + 2, ids.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct().Count());
        Assert.Equal((0, Chats), (await Count("v-17"), await Count("v-18")));
        Assert.Equal(0, await service.Stop());

        async Task<Caller> LogIn() => service.Http.WithCookie(
            (await service.Http.Post("/auth/login", new { email = demo.Email, password = demo.Password })).Is(200)
            .Header("Set-Cookie")!.Split(';')[0]);

        async Task<JsonElement> Erasure() => (await admin.Get("/orgs/me/erasures")).Is(200)["items"].EnumerateArray().Single();

        async Task<int> Count(string externalUserId) =>
            (await admin.Get($"/orgs/me/chats?limit=200&externalUserId={externalUserId}")).Is(200)["items"].GetArrayLength();
    }

    private static async Task Write(Caller plugin, string externalUserId)
    {
        var items = Enumerable.Range(0, Chats).SelectMany(at => new object[]
        {
            new { type = "chat", @ref = $"c{at}", externalUserId },
            new { type = "message", chatRef = $"c{at}", @ref = $"m{at}", role = "user", content = "asks" },
            new { type = "message", chatRef = $"c{at}", role = "assistant", content = "answers" },
            new { type = "feedback", chatRef = $"c{at}", messageRef = $"m{at}", rating = "up" },
        });
        var results = (await plugin.Post("/api/v1/orgs/demo/batch", new { items })).Is(207)["results"];
        Assert.All(results.EnumerateArray(), result => Assert.True(result.GetProperty("status").GetInt32() < 300));
    }
}
