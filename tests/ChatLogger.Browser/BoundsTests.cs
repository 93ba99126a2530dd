using System.Text.Json.Nodes;

namespace ChatLogger.Browser;

public class BoundsTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    [BrowserFact]
    public async Task The_first_load_is_small()
    {
        var acme = await app.Org("acme");
        await acme.Say(await acme.Chat(), "Hello");
        await app.Browse(await acme.Admin(), async visit =>
        {
            List<IRequest> requests = [];
            visit.Page.Request += (_, request) => requests.Add(request);
            await visit.Open("/app/");
            await Expect(visit.Rows).ToHaveCountAsync(1);
            await visit.IsLive();

            // The event stream lasts; the icon is within the page.
            var asked = requests
                .Where(request => !request.Url.EndsWith("/live", StringComparison.Ordinal))
                .Where(request => !request.Url.StartsWith("data:", StringComparison.Ordinal))
                .ToList();
            Assert.True(asked.Count <= 8, string.Join('\n', asked.Select(request => request.Url)));
            var size = 0;
            foreach (var request in asked.Where(request => request.ResourceType is "script" or "stylesheet"))
            {
                using var message = new HttpRequestMessage(HttpMethod.Get, request.Url) { Headers = { { "Accept-Encoding", "gzip" } } };
                using var response = await app.Http.SendAsync(message);
                size += (await response.Content.ReadAsByteArrayAsync()).Length;
            }
            Assert.InRange(size, 10_000, 70_000);
        });
    }

    [BrowserFact]
    public async Task A_chat_of_2000_messages_opens_at_its_end_and_keeps_the_place_while_earlier_ones_load()
    {
        var acme = await app.Org("acme");
        var begun = DateTimeOffset.UtcNow.AddHours(-2);
        var chat = "";
        for (var part = 0; part < 4; part++)
        {
            var messages = Enumerable.Range(part * 500, 500)
                .Select(JsonNode? (i) => Demo.Message("c", i % 2 == 0 ? "user" : "assistant", $"Message {i}", begun.AddSeconds(i)));
            JsonArray items = part == 0 ? [Demo.Chat("c", "Long", "ann", [], begun), .. messages] : [.. messages];
            foreach (var item in items.Where(_ => part > 0))
            {
                item!.AsObject().Remove("chatRef");
                item["chatId"] = chat;
            }
            var ids = await Demo.Write(acme, items);
            chat = part == 0 ? ids[0]! : chat;
        }
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open($"/app/chats/{chat}");
            await Expect(visit.Messages.Last).ToContainTextAsync("Message 1999");
            await Expect(visit.Messages.Last).ToBeInViewportAsync();
            for (var page = 0; page < 3; page++)
            {
                var moved = await visit.Page.EvaluateAsync<double>(
                    """
                    async () => {
                      const thread = document.querySelector('.thread')
                      const first = thread.querySelector('article')
                      const count = () => thread.querySelectorAll('article').length
                      const before = count()
                      thread.scrollTop = 0
                      const top = first.getBoundingClientRect().top
                      if (count() === before)
                        await new Promise(done => {
                          const observer = new MutationObserver(() => count() > before && (observer.disconnect(), done()))
                          observer.observe(thread, { childList: true, subtree: true })
                        })
                      await new Promise(requestAnimationFrame)
                      return Math.abs(first.getBoundingClientRect().top - top)
                    }
                    """);
                Assert.InRange(moved, 0, 60);
            }
            Assert.InRange(await visit.Messages.CountAsync(), 200, 500);
        });
    }

    [BrowserFact]
    public async Task A_list_of_300_chats_shows_each_of_them_once()
    {
        var acme = await app.Org("acme");
        var begun = DateTimeOffset.UtcNow.AddHours(-2);
        var chats = Enumerable.Range(0, 300).Select(JsonNode? (i) => Demo.Chat($"c{i}", $"Chat {i}", "ann", [], begun.AddSeconds(i)));
        await Demo.Write(acme, [.. chats]);
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open("/app/chats");
            await Expect(visit.Rows.First).ToBeVisibleAsync();
            HashSet<string> seen = [];
            await Wait.Until(async () =>
            {
                Assert.InRange(await visit.Rows.CountAsync(), 1, 60);
                seen.UnionWith(await visit.Rows.Locator("strong").AllInnerTextsAsync());
                await visit.Page.EvaluateAsync("document.querySelector('.list .scroll').scrollBy(0, 400)");
                return await visit.Page.GetByText("These are all.").CountAsync() > 0
                    && await visit.Page.EvaluateAsync<bool>(
                        "(list => list.scrollTop + list.clientHeight >= list.scrollHeight - 1)(document.querySelector('.list .scroll'))");
            });
            seen.UnionWith(await visit.Rows.Locator("strong").AllInnerTextsAsync());
            Assert.Equal(300, seen.Count);
        });
    }
}
