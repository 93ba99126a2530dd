using System.Text.Json.Nodes;

namespace ChatLogger.Browser;

public class ConversationTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    [BrowserFact]
    public async Task A_chat_is_renamed_tagged_and_deleted_message_by_message()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat(new { });
        await acme.Say(chat, "Goes");
        await acme.Say(chat, "Stays");
        var admin = await acme.Admin();
        await app.Browse(admin, async visit =>
        {
            await visit.Open($"/app/chats/{chat}");
            await Expect(visit.Heading("Chat without a title")).ToBeVisibleAsync();
            await visit.Choose("Edit title and tags");
            await visit.Field("Title").FillAsync("After");
            await visit.Field("Tags").FillAsync("one, two");
            await visit.Button("Save").ClickAsync();
            await Expect(visit.Heading("After")).ToBeVisibleAsync();
            await Expect(visit.Page.Locator("aside.facts .tag")).ToHaveTextAsync(["one", "two"]);

            await visit.Choose("Delete message", "article.message");
            await visit.Dialog("Delete this message?").GetByRole(AriaRole.Button, new() { Name = "Delete message" }).ClickAsync();
            await Expect(visit.Messages).ToHaveCountAsync(1);
            await Expect(visit.Messages).ToContainTextAsync(["Stays"]);

            await visit.Choose("Delete chat");
            await visit.Dialog("Delete this chat?").GetByRole(AriaRole.Button, new() { Name = "Delete chat" }).ClickAsync();
            await Expect(visit.Page).ToHaveURLAsync(visit.Url("/app/chats"));
            await Expect(visit.Rows).ToHaveCountAsync(0);
        });
        (await admin.Get($"/orgs/me/chats/{chat}")).Is(404);
    }

    [BrowserFact]
    public async Task Hostile_content_is_text()
    {
        string[] hostile =
        [
            "<script>globalThis.hacked = 1</script><img src=\"https://elsewhere.example/a.png\" onerror=\"globalThis.hacked = 2\">",
            "[click](javascript:globalThis.hacked=3) [data](data:text/html,<script>hacked=4</script>) "
                + "![seen](https://elsewhere.example/b.png)",
            "<svg onload=\"globalThis.hacked = 5\"><a href=\"javascript:hacked=6\"><text>SVG</text></a></svg>",
            "before \u202Egnp.exe\u202C \u2066after\u2069",
            new string('w', 100_000),
            string.Concat(Enumerable.Range(1, 10_000).Select(line => $"line {line}\n")),
        ];
        var acme = await app.Org("acme");
        var now = DateTimeOffset.UtcNow.AddMinutes(-1);
        var tags = Enumerable.Range(0, 20).Select(i => $"{i:00}<b>{new string('t', 50)}").ToArray();
        var ids = await Demo.Write(acme,
        [
            Demo.Chat("c", "<i onclick=hacked=7>\u202Eeltit", "<u>user</u>", tags, now),
            .. hostile.Select(JsonNode? (text, i) => Demo.Message("c", i % 2 == 0 ? "user" : "assistant", text, now.AddSeconds(i))),
        ]);
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open($"/app/chats/{ids[0]}");
            await Expect(visit.Messages).ToHaveCountAsync(hostile.Length);
            await IsHarmless();
            for (var i = 0; i < hostile.Length; i++)
            {
                var message = visit.Messages.Nth(i);
                await message.GetByRole(AriaRole.Button, new() { Name = "More", Exact = true }).ClickAsync();
                await visit.Button("Show formatted").ClickAsync();
                await Expect(message.Locator(".markdown")).ToHaveCountAsync(1);
            }
            await Expect(visit.Page.GetByText("<script>globalThis.hacked = 1</script>")).ToBeVisibleAsync();
            await Expect(visit.Page.GetByText("[click](javascript:globalThis.hacked=3)")).ToBeVisibleAsync();
            await IsHarmless();
            await visit.Go("/app/chats");
            await Expect(visit.Rows).ToHaveCountAsync(1);
            await IsHarmless();

            async Task IsHarmless()
            {
                Assert.False(await visit.Page.EvaluateAsync<bool>("'hacked' in globalThis"));
                var made = visit.Page.Locator("#app :is(script, img, iframe, object, embed, style, u, [onclick], [onload], [onerror])");
                Assert.Equal(0, await made.CountAsync());
                Assert.Equal(0, await visit.Page.Locator("a:is([href^='javascript' i], [href^='data' i])").CountAsync());
                Assert.Null(await visit.TooWide());
            }
        }, new(Width: 320, Height: 640));
    }
}
