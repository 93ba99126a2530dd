using System.Collections.Concurrent;

namespace ChatLogger.Tests.Features.Analytics;

/// <summary>Random requests of plugins and members.</summary>
internal sealed class RollupFixture(Org org, string key, Guid member, Caller admin)
{
    public static readonly string[] Tags = ["billing", "Ä", "vip", "\U0001F600", "\uFF21"];
    public static readonly string?[] Models = [null, "gpt", "Ä model"];
    private static readonly string[] Roles = ["user", "assistant", "system", "developer", "tool", "function"];
    private readonly ConcurrentBag<string> _chats = [];
    private readonly ConcurrentBag<(string Chat, string Message)> _messages = [];
    private readonly Caller _plugin = org.App.Stranger.WithKey(key);

    public async Task Open(Random random)
    {
        for (var i = 0; i < 4; i++)
            await NewChat(random);
    }

    public async Task Go(App app, Random random, int steps)
    {
        for (var step = 0; step < steps; step++)
        {
            var chat = _chats.ElementAt(random.Next(_chats.Count));
            switch (random.Next(12))
            {
                case 0:
                    await NewChat(random);
                    break;
                case 1:
                    await Import(random);
                    break;
                case 2:
                    await _plugin.Patch($"{org.ApiPath}/chats/{chat}", new { tags = Draw(random) });
                    break;
                case 3 when _messages.TryPeek(out var rated):
                    await _plugin.Send(HttpMethod.Put, $"{org.ApiPath}/chats/{rated.Chat}/messages/"
                        + $"{rated.Message}/feedback", Rating(random));
                    break;
                case 4:
                    await _plugin.Send(HttpMethod.Put, $"{org.ApiPath}/chats/{chat}/feedback", Rating(random));
                    break;
                case 5 when random.Next(3) == 0:
                    await app.Delete(org, Guid.Parse(chat));
                    break;
                case 6 when random.Next(2) == 0 && _messages.TryPeek(out var unsaid):
                    await admin.Delete($"/orgs/me/chats/{unsaid.Chat}/messages/{unsaid.Message}");
                    break;
                default:
                    var said = await _plugin.Post($"{org.ApiPath}/chats/{chat}/messages", Message(random));
                    if (said.Status == 201)
                        _messages.Add((chat, said.Text("id")));
                    break;
            }
        }
    }

    private async Task NewChat(Random random) => _chats.Add((await _plugin.Post(
        $"{org.ApiPath}/chats",
        new
        {
            tags = Draw(random),
            externalUserId = EndUser(random),
            userId = random.Next(3) == 0 ? member : (Guid?)null,
        })).Is(201).Text("id"));

    private async Task Import(Random random)
    {
        var start = DateTimeOffset.UtcNow.AddMinutes(-random.Next(9 * 24 * 60));
        var messages = Enumerable.Range(0, random.Next(1, 6)).Select(n => (object)new
        {
            type = "message",
            chatRef = "c",
            role = Roles[random.Next(Roles.Length)],
            content = "x",
            latencyMs = random.Next(100_000),
            model = Models[random.Next(Models.Length)],
            createdAt = RollupAssertions.Text(start.AddMinutes(random.Next(2_000)).AddMilliseconds(n)),
        });
        object chat = new
        {
            type = "chat",
            @ref = "c",
            tags = Draw(random),
            externalUserId = EndUser(random),
            createdAt = RollupAssertions.Text(start),
        };
        var answer = (await _plugin.Post($"{org.ApiPath}/batch", new { items = messages.Prepend(chat) })).Is(207);
        _chats.Add(answer["results"][0].GetProperty("id").GetString()!);
    }

    private static object Message(Random random) => new
    {
        role = Roles[random.Next(Roles.Length)],
        content = "x",
        model = Models[random.Next(Models.Length)],
        latencyMs = random.Next(2) == 0 ? (int?)null : random.Next(random.Next(2) == 0 ? 300 : 60_000),
        tokenCount = random.Next(2) == 0 ? (int?)null : random.Next(1_000),
        promptTokens = random.Next(2) == 0 ? (int?)null : random.Next(1_000),
        completionTokens = random.Next(2) == 0 ? (int?)null : random.Next(1_000),
    };

    private static string[] Draw(Random random) => [.. Tags.Where(_ => random.Next(3) == 0)];

    private static string? EndUser(Random random) => random.Next(5) is var n && n == 0 ? null : $"v-{n}";

    private static object Rating(Random random) => new { rating = random.Next(2) == 0 ? "up" : "down" };
}
