using System.Text.Json;
using ChatLogger.Http;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Contracts;

/// <summary>A page of large items ends early, and the pages together contain every item once.</summary>
public class PageBytesTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Theory]
    [InlineData("asc")]
    [InlineData("desc")]
    public async Task Pages_of_large_messages_end_by_bytes_and_hold_every_message_once(string order)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var chat = await acme.Chat();
        var said = new List<string>();
        // The largest there is, a page each, and small ones in between.
        for (var i = 0; i < 15; i++)
            said.Add(await acme.Say(chat, i % 3 == 1 ? "small" : new string((char)('a' + i), 262_144)));

        var pages = await Pages(viewer, $"/orgs/me/chats/{chat}/messages?limit=200&order={order}", 262_144);

        Assert.InRange(pages.Count, 9, 12);
        Assert.Equal(order == "asc" ? said : said.AsEnumerable().Reverse(), pages.SelectMany(page => page));
    }

    [Theory]
    [InlineData("")]
    [InlineData("&q=word")]
    public async Task Pages_of_chats_with_large_metadata_end_by_bytes_and_hold_every_chat_once(string search)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var metadata = new Dictionary<string, string> { ["a"] = new string('x', 16_000) };
        var items = Enumerable.Range(0, 170).SelectMany(i => new object[]
        {
            new { type = "chat", @ref = $"{i}", metadata },
            new { type = "message", chatRef = $"{i}", role = "user", content = "a word" },
        }).ToArray();
        var plugin = await acme.Plugin();
        var made = new List<string>();
        foreach (var batch in items.Chunk(170))
        {
            var answer = (await plugin.Post($"{acme.ApiPath}/batch", new { items = batch })).Is(207);
            made.AddRange(
                answer["results"].EnumerateArray().Where((_, i) => i % 2 == 0).Select(result => result.GetProperty("id").GetString()!));
        }

        var pages = await Pages(viewer, $"/orgs/me/chats?limit=200{search}", 16_384);

        Assert.InRange(pages.Count, 10, 13);
        Assert.Equal(made.Order(), pages.SelectMany(page => page).Order());
    }

    [Fact]
    public async Task A_full_page_has_a_cursor_only_when_more_rows_follow()
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var chat = await acme.Chat();
        for (var i = 0; i < 2; i++)
            await acme.Say(chat, new string('a', 131_072));

        // Two are enough for a page, and they are all there is.
        Assert.Equal([2], (await Pages(viewer, $"/orgs/me/chats/{chat}/messages?limit=200", 262_144)).Select(page => page.Count));
        Assert.Equal([1, 1], (await Pages(viewer, $"/orgs/me/chats/{chat}/messages?limit=1", 262_144)).Select(page => page.Count));
    }

    private static async Task<List<List<string>>> Pages(Caller viewer, string path, int largest)
    {
        var pages = new List<List<string>>();
        for (string? cursor = null; pages.Count == 0 || cursor is not null;)
        {
            var answer = (await viewer.Get(path + (cursor is null ? "" : $"&cursor={cursor}"))).Is(200);
            pages.Add([.. answer["items"].EnumerateArray().Select(item => item.GetProperty("id").GetString()!)]);
            Assert.NotEmpty(pages[^1]);
            // In addition to the metadata, the members are a few hundred bytes an item.
            Assert.InRange(answer.Body.Length, 0, Page.MaxBytes + largest + 1_000 * pages[^1].Count);
            cursor = answer["nextCursor"] is { ValueKind: JsonValueKind.String } next ? next.GetString() : null;
        }
        return pages;
    }
}
