using System.Globalization;
using System.Text.Json.Nodes;

namespace ChatLogger.Browser;

public class BoundsTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    /// <summary>
    /// Scrolls to an edge of what is held, waits until more is there, and answers how far the message at the edge has moved.
    /// </summary>
    private const string MoveAtEdge =
        """
        async edge => {
          const thread = document.querySelector('.thread')
          const all = () => [...thread.querySelectorAll('article.message')]
          const message = all().at(edge === 'start' ? 0 : -1)
          const isAtEdge = () => all().at(edge === 'start' ? 0 : -1) === message
          thread.scrollTop = edge === 'start' ? 0 : thread.scrollHeight
          const top = message.getBoundingClientRect().top
          if (isAtEdge())
            await new Promise(done => {
              const observer = new MutationObserver(() => isAtEdge() || (observer.disconnect(), done()))
              observer.observe(thread, { childList: true, subtree: true })
            })
          await new Promise(requestAnimationFrame)
          return Math.abs(message.getBoundingClientRect().top - top)
        }
        """;

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
    public async Task What_the_list_needs_is_asked_for_once_while_the_script_loads()
    {
        var acme = await app.Org("acme");
        await acme.Say(await acme.Chat(), "Hello");
        await app.Browse(await acme.Admin(), async visit =>
        {
            // The first page learns that a member uses this browser; the next is told so by the service.
            foreach (var early in new[] { "/users/me", "/orgs/me /orgs/me/chats /users/me" })
            {
                await visit.Open("/app/");
                await Expect(visit.Rows).ToHaveCountAsync(1);
                await visit.IsLive();

                var requests = await visit.Page.EvaluateAsync<string[]>(
                    """
                    () => performance.getEntriesByType('resource')
                      .map(entry => [new URL(entry.name).pathname, entry.initiatorType])
                      .filter(([path]) => /^\/(orgs|users)/.test(path) && !path.endsWith('/live'))
                      .map(entry => entry.join(' '))
                      .sort()
                    """);
                var expected = new[] { "/orgs/me", "/orgs/me/chats", "/users/me" }
                    .Select(path => $"{path} {(early.Split(' ').Contains(path) ? "link" : "fetch")}");
                Assert.Equal(expected, requests);
            }
        });
    }

    [BrowserFact]
    public async Task A_chat_of_2000_messages_opens_at_its_end_keeps_the_place_and_holds_a_part_of_them()
    {
        var acme = await app.Org("acme");
        var chat = await Long(acme);
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open($"/app/chats/{chat}");
            await Expect(visit.Messages.Last).ToContainTextAsync("Message 1999");
            await Expect(visit.Messages.Last).ToBeInViewportAsync();
            for (var page = 0; page < 8; page++)
            {
                Assert.InRange(await visit.Page.EvaluateAsync<double>(MoveAtEdge, "start"), 0, 1);
                Assert.InRange(await visit.Messages.CountAsync(), 60, 360);
            }
            // The end is no longer held: it comes back page by page, and at once on demand.
            await Expect(visit.Messages.Last).Not.ToContainTextAsync("Message 1999");
            for (var page = 0; page < 3; page++)
            {
                Assert.InRange(await visit.Page.EvaluateAsync<double>(MoveAtEdge, "end"), 0, 1);
                Assert.InRange(await visit.Messages.CountAsync(), 60, 360);
            }
            await visit.Button("To the end").ClickAsync();
            await Expect(visit.Messages.Last).ToContainTextAsync("Message 1999");
            await Expect(visit.Messages.Last).ToBeInViewportAsync();
            await Expect(visit.Button("To the end")).ToBeHiddenAsync();

            await visit.Choose("To the first message");
            await Expect(visit.Page.GetByText("The conversation begins here.")).ToBeInViewportAsync();
            await Expect(visit.Messages.First).ToContainTextAsync("Message 0");
            Assert.InRange(await visit.Messages.CountAsync(), 60, 120);
        });
    }

    [BrowserFact]
    public async Task What_is_scrolled_past_comes_once_and_in_order()
    {
        var acme = await app.Org("acme");
        var chat = await Long(acme);
        await app.Browse(await acme.Admin(), async visit =>
        {
            await visit.Open($"/app/chats/{chat}");
            await Expect(visit.Messages.Last).ToContainTextAsync("Message 1999");
            await Scroll(0, "Message 0");
            await Scroll(1e9, "Message 1999");

            async Task Scroll(double to, string last) => await Wait.Until(async () =>
            {
                await visit.Page.EvaluateAsync("to => { document.querySelector('.thread').scrollTop = to }", to);
                var texts = await visit.Messages.Locator(".plain").AllInnerTextsAsync();
                var numbers = texts.Select(text => int.Parse(text.Split(' ')[1], CultureInfo.InvariantCulture)).ToList();
                Assert.Equal(Enumerable.Range(numbers[0], numbers.Count), numbers);
                return texts.Contains(last);
            });
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
                return await visit.Page.GetByText("That is all.").CountAsync() > 0
                    && await visit.Page.EvaluateAsync<bool>(
                        "(list => list.scrollTop + list.clientHeight >= list.scrollHeight - 1)(document.querySelector('.list .scroll'))");
            });
            seen.UnionWith(await visit.Rows.Locator("strong").AllInnerTextsAsync());
            Assert.Equal(300, seen.Count);
        });
    }

    /// <summary>A chat of 2,000 messages; answers its id.</summary>
    private static async Task<string> Long(Org org)
    {
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
            var ids = await Demo.Write(org, items);
            chat = part == 0 ? ids[0]! : chat;
        }
        return chat;
    }
}
