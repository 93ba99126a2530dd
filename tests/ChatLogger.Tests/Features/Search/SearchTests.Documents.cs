using System.Text.Json;

namespace ChatLogger.Tests.Features.Search;

/// <summary>What is searched beside the contents of messages.</summary>
public abstract partial class SearchScenarios
{
    [Theory, CombinatorialIndexed]
    public async Task A_chat_is_found_by_its_title_its_tags_and_its_end_user(Indexed indexed)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var chat = await acme.Chat(new { title = "Lost parcel", tags = new[] { "billing", "vip" }, externalUserId = "visitor-77" });
        await Half(indexed);
        var message = await acme.Say(chat, "Where is it?");
        await acme.Chat();
        await All(indexed);

        foreach (var (q, snippet) in new[] { ("lost", "Lost parcel"), ("VIP", "vip"), ("visitor-77", "visitor-77"), ("77", "visitor-77") })
            Assert.Equal((chat, null, snippet), await Hit(viewer, q));
        Assert.Equal((chat, message, "Where is it?"), await Hit(viewer, "where"));
        // The chat's own texts are one document, a message is another; a phrase does not continue from one text into the next.
        Assert.Equal([chat], await viewer.Search("vip lost 77"));
        Assert.Equal([chat], await viewer.Search("\"lost parcel\" -where"));
        foreach (var q in new[] { "parcel where", "\"parcel billing\"", "\"billing vip\"", "visitor -77", "lost OR nothing -billing" })
            Assert.Empty(await viewer.Search(q));
    }

    [Theory, CombinatorialIndexed]
    public async Task A_message_is_shown_rather_than_the_title(Indexed indexed)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var chat = await acme.Chat(new { title = "A zebra" });
        await acme.Say(chat, "Hello");
        await Half(indexed);
        var message = await acme.Say(chat, "the zebra");
        await acme.Say(chat, "another zebra");
        await All(indexed);

        Assert.Equal((chat, message, "the zebra"), await Hit(viewer, "zebra"));
        var listed = (await viewer.Get("/orgs/me/chats")).Is(200)["items"][0];
        Assert.Equal("null", listed.GetProperty("messageId").GetRawText());
    }

    [Theory, CombinatorialIndexed]
    public async Task Parts_and_tool_calls_are_found(Indexed indexed)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var plugin = await acme.Plugin();
        var chat = await acme.Chat();
        var parts = await Post(
            """{"role":"user","parts":[{"type":"text","text":"Is it blue?"},{"type":"image_url","image_url":{"url":"u"}}]}""");
        var called = await Post(
            """{"role":"assistant","toolCalls":[{"id":"c1","name":"find_order","arguments":"{\"city\":\"Lyon\"}"}]}""");
        await Half(indexed);
        var both = await Post(
            """
            {"role":"assistant","content":"One more.",
             "toolCalls":[{"id":"c2","name":"refund","arguments":{"n":1250,"to":{"who":"Zoë"}}}]}
            """);
        await All(indexed);

        Assert.Equal((chat, parts, "Is it blue?"), await Hit(viewer, "blue"));
        Assert.Equal((chat, called, "find_order\n{\"city\":\"Lyon\"}"), await Hit(viewer, "find_order"));
        Assert.Equal(called, (await Hit(viewer, "lyon")).MessageId);
        Assert.Equal((chat, both, "refund\n1250\nZoë"), await Hit(viewer, "refund 1250"));
        Assert.Equal((chat, both, "One more."), await Hit(viewer, "more zoe"));
        // The ids of calls, names of members and addresses are not what anybody says.
        foreach (var q in new[] { "c1", "who", "image_url", "\"more refund\"" })
            Assert.Empty(await viewer.Search(q));

        async Task<string> Post(string body) => (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", body)).Is(201).Text("id");
    }

    [Theory, CombinatorialIndexed]
    public async Task Accents_count_between_quotes_only(Indexed indexed)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var accents = await acme.Chat();
        await acme.Say(accents, "My RÉSUMÉ, e\u0301galite\u0301");
        await Half(indexed);
        var plain = await acme.Chat();
        await acme.Say(plain, "a resume, egalite");
        await All(indexed);

        foreach (var q in new[] { "resume", "Résumé", "re\u0301sume", "résu*", "resu*", "égalité" })
            Assert.Equal([plain, accents], await viewer.Search(q));
        Assert.Equal([accents], await viewer.Search("\"Résumé\""));
        Assert.Equal([accents], await viewer.Search("\"my résumé égalité\""));
        Assert.Equal([plain], await viewer.Search("\"resume\""));
        Assert.Equal([plain], await viewer.Search("resume -\"résumé\""));
        Assert.Empty(await viewer.Search("\"résume\""));
    }

    [Theory, CombinatorialIndexed]
    public async Task A_beginning_finds_every_word_that_begins_so(Indexed indexed)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var orders = await acme.Chat();
        await acme.Say(orders, "Two ORDERS; call foo_barbar(x)");
        await Half(indexed);
        var border = await acme.Chat(new { title = "Ordinal" });
        await acme.Say(border, "the border in 退款吗");
        var globex = await app.Org("globex");
        await globex.Say(await globex.Chat(), "ordering");
        await All(indexed);

        Assert.Equal([border, orders], await viewer.Search("ord*"));
        Assert.Equal((border, null, "Ordinal"), await Hit(viewer, "ord* -orders", 1));
        Assert.Equal([orders], await viewer.Search("ORDER*"));
        Assert.Equal([orders], await viewer.Search("orders*"));
        Assert.Equal([orders], await viewer.Search("foo_bar*"));
        Assert.Equal([orders], await viewer.Search("two ord*"));
        Assert.Equal([border], await viewer.Search("ord* -two"));
        Assert.Equal([border], await viewer.Search("borde* 退*"));
        Assert.Equal([border, orders], await viewer.Search("nothing* OR two OR bord*"));
        foreach (var q in new[] { "\"ord*\"", "ord *", "o*d", "rder*", "ordering*", "order", "ord* zebra*" })
            Assert.Empty(await viewer.Search(q));
    }

    [Theory, CombinatorialIndexed]
    public async Task A_beginning_of_thousands_of_words_finds_them_all(Indexed indexed)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var long65 = new string('z', 65);
        var chats = new List<string>();
        for (var i = 0; i < 6; i++)
        {
            chats.Insert(0, await acme.Chat());
            var words = string.Join(' ', Enumerable.Range(0, 700).Select(n => $"zz{n * 6 + i}"));
            await acme.Say(chats[0], i == 4 ? $"{words} {long65}b" : words);
            if (i == 2)
                await Half(indexed);
        }
        await All(indexed);

        Assert.Equal(chats, await viewer.Search("zz*", limit: 2));
        Assert.Equal(chats, await viewer.Search("z* OR nothing*", limit: 4));
        Assert.Equal([chats[2]], await viewer.Search("zz* zz3"));
        Assert.Equal([chats[1]], await viewer.Search("zz417*4 OR zz4192"));
        Assert.Equal([chats[1]], await viewer.Search($"{long65}*"));
        Assert.Equal([chats[1]], await viewer.Search($"{long65[..63]}*"));
        Assert.Empty(await viewer.Search($"{long65}c*"));
    }

    private static async Task<(string Chat, string? MessageId, string? Snippet)> Hit(Caller caller, string q, int limit = 50)
    {
        for (var cursor = ""; ;)
        {
            var page = (await caller.Get($"/orgs/me/chats?limit={limit}&q={Uri.EscapeDataString(q)}{cursor}")).Is(200);
            if (page["items"].EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } item)
            {
                return (
                    item.GetProperty("id").GetString()!,
                    item.GetProperty("messageId").GetString(),
                    item.GetProperty("snippet").GetString());
            }
            cursor = page["nextCursor"].GetString() is { } next
                ? $"&cursor={next}"
                : throw new InvalidOperationException($"Nothing is found by {q}.");
        }
    }
}
