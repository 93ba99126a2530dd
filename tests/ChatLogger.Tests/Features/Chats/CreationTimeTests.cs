using ChatLogger.Auth;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>What an offline queue held is logged with its time.</summary>
public class CreationTimeTests(App app) : IClassFixture<App>
{
    [Theory]
    [InlineData(KeyScope.Ingest, -72 * 3_600 + 60, 201)]
    [InlineData(KeyScope.Ingest, -72 * 3_600 - 1, 403)]
    [InlineData(KeyScope.Ingest, 60, 201)]
    [InlineData(KeyScope.Ingest, 180, 400)]
    [InlineData(KeyScope.Import, -72 * 3_600 - 1, 201)]
    [InlineData(KeyScope.Import, 24 * 3_600, 201)]
    [InlineData(KeyScope.Import, 24 * 3_600 + 120, 400)]
    public async Task A_time_is_taken_as_far_as_the_key_may(string scope, int seconds, int status)
    {
        var acme = await app.Org("acme");
        var plugin = app.Stranger.WithKey(await acme.Key(KeyScope.Ingest, scope == KeyScope.Ingest ? KeyScope.Read : scope));
        var chat = await acme.Chat();
        var at = app.Clock.GetUtcNow().AddSeconds(seconds);
        var sent = at.ToOffset(TimeSpan.FromHours(2)).ToString("yyyy-MM-ddTHH:mm:ss.fffffffzzz", null);

        var answers = new[]
        {
            await plugin.Post($"{acme.ApiPath}/chats", new { createdAt = sent }),
            await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "x", createdAt = sent }),
        };
        var items = new object[]
        {
            new { type = "chat", createdAt = sent },
            new { type = "message", chatId = chat, role = "user", content = "x", createdAt = sent },
        };
        var results = (await plugin.Post($"{acme.ApiPath}/batch", new { items })).Is(207)["results"];

        foreach (var answer in answers)
        {
            if (status == 400)
                answer.IsInvalid("createdAt");
            else
                answer.Is(status);
            if (status == 201)
                Assert.Equal(at.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", null), answer.Text("createdAt"));
        }
        Assert.All(results.EnumerateArray(), result => Assert.Equal(status, result.GetProperty("status").GetInt32()));
        Assert.Equal(status == 201 ? 3 : 1, await acme.Count("chats"));
        Assert.Equal(status == 201 ? 2 : 0, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_chat_that_is_brought_in_without_a_time_has_that_of_its_first_message()
    {
        var acme = await app.Org("acme");
        var plugin = app.Stranger.WithKey(await acme.Key(KeyScope.Ingest, KeyScope.Import));
        var answer = (await plugin.Post($"{acme.ApiPath}/batch",
            """
            {"items":[{"type":"chat","ref":"a"},{"type":"chat","ref":"b","createdAt":"2021-01-01T00:00:00Z"},{"type":"chat","ref":"c"},
            {"type":"message","chatRef":"a","role":"user","content":"1","createdAt":"2020-05-01T10:00:00.123456Z"},
            {"type":"message","chatRef":"a","role":"user","content":"2","createdAt":"2020-04-01T10:00:00Z"},
            {"type":"message","chatRef":"b","role":"user","content":"3","createdAt":"2020-05-01T10:00:00Z"},
            {"type":"message","chatRef":"c","role":"user","content":"4"}]}
            """)).Is(207)["results"];
        var admin = await acme.Admin();
        async Task<Answer> Chat(int index) => (await admin.Get($"/orgs/me/chats/{answer[index].GetProperty("id").GetString()}")).Is(200);

        Assert.Equal("2020-05-01T10:00:00.123Z", (await Chat(0)).Text("createdAt"));
        Assert.Equal("2020-05-01T10:00:00.123Z", (await Chat(0)).Text("updatedAt"));
        Assert.Equal("2021-01-01T00:00:00.000Z", (await Chat(1)).Text("createdAt"));
        Assert.StartsWith($"{app.Clock.GetUtcNow():yyyy-MM-dd}", (await Chat(2)).Text("createdAt"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_cannot_say_when()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat();

        (await admin.Post("/orgs/me/chats", new { createdAt = app.Clock.GetUtcNow() })).IsProblem(400, "validation");
        (await admin.Post($"/orgs/me/chats/{chat}/messages", new { role = "user", content = "x", createdAt = app.Clock.GetUtcNow() }))
            .IsProblem(400, "validation");
    }
}
