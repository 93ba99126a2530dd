using ChatLogger.SearchIndex;
using FsCheck.Fluent;
using Npgsql;

namespace ChatLogger.Tests.Features.Search;

public class SearchTests(SearchApp app) : SearchScenarios(app), IClassFixture<SearchApp>;

public class ShortTimeoutSearchTests(ShortTimeoutSearchApp app) : SearchScenarios(app), IClassFixture<ShortTimeoutSearchApp>;

/// <summary>Each scenario with all, half and nothing in the index: the results are the same.</summary>
public abstract partial class SearchScenarios(SearchApp app)
{
    public enum Indexed
    {
        Nothing,
        Half,
        All,
    }

    [Theory, CombinatorialIndexed]
    public async Task A_chat_is_found_by_its_messages_with_the_first_match(Indexed indexed)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var order = await acme.Chat();
        await acme.Say(order, "Good morning");
        await acme.Say(order, "Where is my Order?");
        await Half(indexed);
        await acme.Say(order, "The order left on Monday", "assistant");
        var other = await acme.Chat(new { title = "Parcel" });
        await acme.Say(other, "Hello");
        await All(indexed);

        var page = (await viewer.Get("/orgs/me/chats?q=order")).Is(200);

        var item = Assert.Single(page["items"].EnumerateArray());
        Assert.Equal(order, item.GetProperty("id").GetString());
        Assert.Equal("Where is my Order?", item.GetProperty("snippet").GetString());
        Assert.Equal(3, item.GetProperty("messageCount").GetInt32());
        Assert.Equal("The order left on Monday", item.GetProperty("preview").GetString());
        Assert.Empty(await viewer.Search("orders"));
        Assert.Equal([other, order], await viewer.Search("-monday"));
        Assert.Equal([other, order], await viewer.Search("hello OR monday", limit: 1));
        Assert.All(
            (await viewer.Get("/orgs/me/chats")).Is(200)["items"].EnumerateArray(),
            each => Assert.Equal("null", each.GetProperty("snippet").GetRawText()));
    }

    [Theory, CombinatorialIndexed]
    public async Task Deleted_and_foreign_chats_are_never_found(Indexed indexed)
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (ann, bob) = (await acme.Member("user"), await acme.Member("user"));
        var theirs = await globex.Chat();
        await globex.Say(theirs, "zebra");
        var hers = await acme.Chat(new { userId = ann.Id });
        await acme.Say(hers, "zebra");
        await Half(indexed);
        var his = await acme.Chat(new { userId = bob.Id });
        await acme.Say(his, "zebra");
        var deleted = await acme.Chat(new { userId = ann.Id });
        await acme.Say(deleted, "zebra");
        await All(indexed);
        await app.Execute("update chats set deleted_at = now() where org_id = @Id and id = @Chat::uuid", new { acme.Id, Chat = deleted });

        Assert.Equal([hers], await ann.Caller.Search("zebra"));
        Assert.Equal([his], await bob.Caller.Search("zebra"));
        Assert.Equal([his, hers], await (await acme.Member("viewer")).Caller.Search("zebra"));
        Assert.Equal([theirs], await (await globex.Admin()).Search("zebra"));
        Assert.Equal([his, hers], await (await app.Superadmin()).Search("zebra", org: acme.Slug));
    }

    [Theory, CombinatorialIndexed]
    public async Task Pages_hold_every_chat_once_whatever_is_written_or_indexed_meanwhile(Indexed indexed)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var chats = new List<string>();
        for (var i = 0; i < 7; i++)
        {
            chats.Add(await acme.Chat());
            await acme.Say(chats[^1], "zebra");
            if (i == 3)
                await Half(indexed);
        }
        await app.Execute("update chats set created_at = '2026-01-01T00:00:00Z' where org_id = @Id", new { acme.Id });
        await app.Execute("update search_index set created_at = '2026-01-01T00:00:00Z' where org_id = @Id", new { acme.Id });
        await All(indexed);
        // It was numbered before all that follows, and commits when the first pages are read.
        await using var slow = await app.Rows.OpenConnectionAsync();
        var transaction = await slow.BeginTransactionAsync();
        await using (
            var late = new NpgsqlCommand(
                "insert into messages (org_id, chat_id, id, role, content, created_at) values ($1, $2, gen_random_uuid(), 'user', 'zebra "
                    + "zebra', now())",
                slow))
        {
            late.Parameters.Add(new() { Value = acme.Id });
            late.Parameters.Add(new() { Value = Guid.Parse(chats[0]) });
            await late.ExecuteNonQueryAsync();
        }

        var seen = new List<string>();
        var cursor = "";
        for (var pages = 0; cursor is not null; pages++)
        {
            var page = (await viewer.Get($"/orgs/me/chats?limit=2&q=zebra{cursor}")).Is(200);
            seen.AddRange(page["items"].EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
            cursor = page["nextCursor"].GetString() is { } next ? $"&cursor={next}" : null;
            await acme.Say(await acme.Chat(), "zebra");
            if (pages == 1)
                await transaction.CommitAsync();
            await app.IndexSettled();
        }

        Assert.Equal(chats.Order(StringComparer.Ordinal).Reverse(), seen);
    }

    [Fact]
    public async Task The_search_finds_the_same_chats_as_a_full_scan()
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var texts = SearchQueryTests.Pieces(12)
            .Where(text => !string.IsNullOrWhiteSpace(text))
            .Sample(TestLength.Cases(inShort: 30, inLong: 60))
            .ToList();
        var said = new List<(string Chat, string Text)>();
        var chats = new List<string>();
        for (var i = 0; i < 20; i++)
            chats.Add(await acme.Chat());
        foreach (var (i, text) in texts.Index())
        {
            said.Add((chats[i % 20], text));
            await acme.Say(said[^1].Chat, text);
            if (i == texts.Count / 2)
                await app.Index();
        }

        foreach (
            var q in SearchQueryTests
                .Pieces(4)
                .Where(q => !string.IsNullOrWhiteSpace(q))
                .Sample(TestLength.Cases(inShort: 15, inLong: 60))
                .Concat(["foo -bar", "退款 OR 😀", "\"foo bar\"", "-foo"]))
        {
            var query = SearchQuery.Parse(q)!;
            var expected = said.Where(each => query.Matches(each.Text))
                .Select(each => each.Chat)
                .Distinct()
                .OrderDescending(StringComparer.Ordinal);
            Assert.True(expected.SequenceEqual(await viewer.Search(q, limit: 5)), $"Searching for {q} answers something else.");
        }
    }

    [Theory]
    [InlineData("'; drop table chats; --")]
    [InlineData("a & b | !c <-> d:*")]
    [InlineData("\\")]
    [InlineData("%_%")]
    [InlineData("((((\"")]
    [InlineData("-- - -\" OR OR OR -OR")]
    [InlineData("\u202E\uFEFF\u200B")]
    [InlineData("* ** *a* a*b* -* OR*")]
    [InlineData("\"*\" '* _* %* \\*")]
    [InlineData("\u0301* e\u0301\u0301* \uD83D\uDE00*")]
    [InlineData("a* b* c* d* e* f* g* h* i* j* k* l* m* n* o* p* q* r* s* t* u* v* w* x* y* z*")]
    [InlineData("a* OR b* OR \"c\" OR d* OR 退* OR -e*")]
    public async Task Nothing_that_is_searched_for_fails(string q)
    {
        var acme = await app.Org("acme");
        await acme.Say(await acme.Chat(), "a b c");

        (await (await acme.Member("viewer")).Caller.Get($"/orgs/me/chats?q={Uri.EscapeDataString(q)}")).Is(200);
    }

    [Fact]
    public async Task The_search_text_has_a_length_limit_and_a_cursor_is_bound_to_it()
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        for (var i = 0; i < 3; i++)
            await acme.Say(await acme.Chat(), "zebra lion");

        (await viewer.Get($"/orgs/me/chats?q={string.Concat(Enumerable.Repeat("%F0%9F%98%80", 256))}")).Is(200);
        (await viewer.Get($"/orgs/me/chats?q={string.Concat(Enumerable.Repeat("%F0%9F%98%80", 257))}")).IsInvalid("q");
        (await viewer.Get("/orgs/me/chats?q=a&q=b")).IsInvalid("q");
        Assert.Equal(3, (await viewer.Get("/orgs/me/chats?q=")).Is(200)["items"].GetArrayLength());
        var cursor = (await viewer.Get("/orgs/me/chats?q=zebra&limit=1")).Is(200).Text("nextCursor");
        (await viewer.Get($"/orgs/me/chats?q=lion&limit=1&cursor={cursor}")).IsInvalid("cursor");
        (await viewer.Get($"/orgs/me/chats?limit=1&cursor={cursor}")).IsInvalid("cursor");
    }

    [Theory, CombinatorialIndexed]
    public async Task An_export_holds_the_chats_that_are_found_and_no_others(Indexed indexed)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var first = await acme.Chat(new { title = "first" });
        await acme.Say(first, "my 退款");
        await Half(indexed);
        await acme.Say(first, "and more");
        await acme.Say(await acme.Chat(new { title = "second" }), "nothing");
        await acme.Say(await acme.Chat(new { title = "third", externalUserId = "v" }), "退款吗");
        await All(indexed);

        Assert.Equal(["first", "third"], await Titles(new { format = "jsonl", q = "退款" }));
        Assert.Equal(["third"], await Titles(new { format = "jsonl", q = "退款", externalUserId = "v" }));
        Assert.Empty(await Titles(new { format = "jsonl", q = "zebra" }));
        Assert.Equal(3, (await Titles(new { format = "jsonl", q = " " })).Length);
        (await admin.Post("/exports/orgs/me", new { format = "jsonl", q = new string('a', 257) })).IsInvalid("q");
        var queued = (await admin.Post("/exports/orgs/me", new { format = "jsonl", mode = "async", q = "退款" })).Is(202).Text("id");
        await app.Until("select state = 'done' from exports where id = @queued::uuid", new { queued });
        Assert.Equal(["first", "third"], Read((await admin.Get($"/exports/orgs/me/{queued}")).Is(200)));

        async Task<string[]> Titles(object request) => Read((await admin.Post("/exports/orgs/me", request)).Is(200));
        string[] Read(Answer answer) =>
            [
                .. answer
                    .Body.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Select(line => System.Text.Json.JsonElement.Parse(line).GetProperty("title").GetString()!),
            ];
    }

    private Task Half(Indexed indexed) => indexed == Indexed.Nothing ? Task.CompletedTask : app.Index();

    private Task All(Indexed indexed) => indexed == Indexed.All ? app.Index() : Task.CompletedTask;

    private sealed class CombinatorialIndexedAttribute : Xunit.Sdk.DataAttribute
    {
        public override IEnumerable<object[]> GetData(System.Reflection.MethodInfo testMethod) =>
            Enum.GetValues<Indexed>().Select(each => new object[] { each });
    }
}
