using ChatLogger.Auth;

namespace ChatLogger.Tests.Import;

/// <summary>An import that stops anywhere and runs again ends like one that did not stop.</summary>
public class ResumeTests(App app) : IClassFixture<App>
{
    private const int Chats = 6;
    private const int Messages = 300;

    private static readonly string File = string.Concat(Enumerable.Range(0, Chats).Select(chat =>
        $$"""{"id":"c{{chat}}","title":"{{chat}}","externalUserId":null,"createdAt":"2024-01-01T00:00:0{{chat}}Z","messages":["""
        + string.Join(',', Enumerable.Range(0, Messages).Select(
            message => $$"""{"role":"user","content":"{{chat}}-{{message}}","createdAt":"2024-01-01T01:00:00Z"}"""))
        + "]}\n"));

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public async Task Cut_before_or_after_the_service_has_a_batch(int request, bool arrives)
    {
        var acme = await app.Org("acme");
        var key = await acme.Key(KeyScope.Ingest, KeyScope.Import);
        using var imports = new Imports();
        using var cut = new HttpClient(new Cut(app.Http, request, arrives)) { BaseAddress = app.Address };

        await Assert.ThrowsAsync<TimeoutException>(() => imports.Run(acme, cut, key, File));
        var outcome = await imports.Run(acme, app.Http, key, File);

        await IsWholeAndOnce(acme, outcome);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    [InlineData(true, 1)]
    public async Task A_day_later_a_key_that_may_read_finds_what_is_missing(bool keepsJournal, int request)
    {
        await using var own = new OwnClock();
        await own.InitializeAsync();
        var acme = await own.Org("acme");
        using var imports = new Imports { Clock = own.Clock };
        using var cut = new HttpClient(new Cut(own.Http, request + 2, arrives: true)) { BaseAddress = own.Address };
        await Assert.ThrowsAsync<TimeoutException>(
            async () => await imports.Run(acme, cut, await acme.Key(KeyScope.Ingest, KeyScope.Import), File));
        if (!keepsJournal)
            System.IO.File.Delete(imports.Journal);
        own.Clock.Advance(TimeSpan.FromHours(25));
        await own.Execute("delete from idempotency_keys", new { });

        var outcome = await imports.Run(acme, own.Http, await acme.Key(KeyScope.Ingest, KeyScope.Import, KeyScope.Read), File);

        await IsWholeAndOnce(acme, outcome);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_chat_that_a_plugin_has_opened_today_gets_what_is_missing_or_is_left_alone(bool mayRead)
    {
        await using var own = new OwnClock();
        await own.InitializeAsync();
        var acme = await own.Org("acme");
        var chat = await acme.Chat(new { externalId = "own-1" });
        await acme.Say(chat, "1");
        await acme.Say(chat, "2");
        own.Clock.Advance(TimeSpan.FromHours(1));
        using var imports = new Imports { Clock = own.Clock };
        string[] scopes = mayRead ? [KeyScope.Ingest, KeyScope.Import, KeyScope.Read] : [KeyScope.Ingest, KeyScope.Import];

        var outcome = await imports.Run(
            acme, own.Http, await acme.Key(scopes),
            """
            {"externalId":"own-1","externalUserId":null,"messages":
            [{"role":"user","content":"1"},{"role":"user","content":"2"},{"role":"user","content":"3"}]}
            """);

        Assert.Equal(mayRead ? (2, 1, 0) : (0, 0, 1), (outcome.Counts.MessagesThere, outcome.Counts.Messages, outcome.Counts.Refused));
        Assert.Equal(mayRead ? 3 : 2, await acme.Count("messages"));
    }

    [Fact]
    public async Task The_rating_of_a_chat_that_was_cut_off_before_its_first_message_is_not_lost()
    {
        await using var own = new OwnClock();
        await own.InitializeAsync();
        var acme = await own.Org("acme");
        const string Rated =
            """{"id":"x","externalUserId":null,"feedback":{"rating":"down","comment":"No"},"messages":[{"role":"user","content":"1"}]}""";
        using var imports = new Imports { Clock = own.Clock };
        using var cut = new HttpClient(new Cut(own.Http, 2, arrives: false)) { BaseAddress = own.Address };
        await Assert.ThrowsAsync<TimeoutException>(
            async () => await imports.Run(acme, cut, await acme.Key(KeyScope.Ingest, KeyScope.Import), Rated));
        own.Clock.Advance(TimeSpan.FromHours(25));

        await imports.Run(acme, own.Http, await acme.Key(KeyScope.Ingest, KeyScope.Import, KeyScope.Read), Rated);

        Assert.Contains("feedback=down No", Imports.Shown(await Imports.Export(await acme.Admin())), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_day_later_a_key_that_may_not_read_doubles_nothing_and_says_what_it_does_not_know()
    {
        await using var own = new OwnClock();
        await own.InitializeAsync();
        var acme = await own.Org("acme");
        var key = await acme.Key(KeyScope.Ingest, KeyScope.Import);
        using var imports = new Imports { Clock = own.Clock };
        using var cut = new HttpClient(new Cut(own.Http, 2, arrives: true)) { BaseAddress = own.Address };
        await Assert.ThrowsAsync<TimeoutException>(() => imports.Run(acme, cut, key, File));
        var before = await acme.Count("messages");
        own.Clock.Advance(TimeSpan.FromHours(25));

        var outcome = await imports.Run(acme, own.Http, key, File);

        Assert.Contains("line 1: the chat exists, and whether all its messages do is not known", outcome.Report, StringComparison.Ordinal);
        Assert.Equal(0, await own.Value<long>(
            "select count(*) - count(distinct content) from messages where org_id = @Id", new { acme.Id }));
        Assert.True(await acme.Count("messages") >= before);
    }

    [Fact]
    public async Task A_file_that_has_grown_brings_only_what_is_new()
    {
        var acme = await app.Org("acme");
        var key = await acme.Key(KeyScope.Ingest, KeyScope.Import);
        using var imports = new Imports();
        var lines = File.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        await imports.Run(acme, app.Http, key, string.Join('\n', lines[..4]));
        var outcome = await imports.Run(acme, app.Http, key, File);

        Assert.Equal((2, 4), (outcome.Counts.Chats, outcome.Counts.ChatsThere));
        await IsWholeAndOnce(acme, outcome);
    }

    [Fact]
    public async Task What_was_refused_is_told_with_its_place_and_the_rest_is_imported()
    {
        var acme = await app.Org("acme");
        var key = await acme.Key(KeyScope.Ingest, KeyScope.Import);
        using var imports = new Imports();

        const string Text =
            """
            {"externalId":"a","messages":[{"role":"user","content":"1"},{"role":"pirate","content":"2"},{"role":"user","content":"3"}]}
            {"id":"b","externalUserId":null,"messages":
            {"id":"c","externalUserId":null,"tags":["x","x"],"messages":[{"role":"user","content":"1"}]}
            {"id":"d","externalUserId":null,"messages":[{"role":"user","content":"4"}]}
            """;

        var outcome = await imports.Run(acme, app.Http, key, Text);

        Assert.Equal((2, 3, 3), (outcome.Counts.Chats, outcome.Counts.Messages, outcome.Counts.Refused));
        Assert.Contains("  line 1, message 2: role: ", outcome.Report, StringComparison.Ordinal);
        Assert.Contains("  line 2: not JSON", outcome.Report, StringComparison.Ordinal);
        Assert.Contains("  line 3: tags: The same tag stands there twice.", outcome.Report, StringComparison.Ordinal);

        // Once more, it is done already, and the report is the same.
        var again = await imports.Run(acme, app.Http, key, Text);
        Assert.Equal(outcome.Counts, again.Counts);
        Assert.Contains("  line 2: not JSON", again.Report, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_key_that_may_not_import_ends_it_with_a_sentence(bool isUnknown)
    {
        var acme = await app.Org("acme");
        using var imports = new Imports();

        var outcome = await imports.Run(acme, app.Http, isUnknown ? "clk_x" : await acme.Key(KeyScope.Ingest), File);

        var told = isUnknown ? "Stopped: The service refuses the import: 401" : "Stopped: The key must have the scopes";
        Assert.Contains(told, outcome.Report, StringComparison.Ordinal);
        Assert.Equal(0, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_service_that_is_busy_is_asked_again()
    {
        var acme = await app.Org("acme");
        using var imports = new Imports();
        var busy = new Busy(app.Http);
        using var http = new HttpClient(busy) { BaseAddress = app.Address };

        var outcome = await imports.Run(acme, http, await acme.Key(KeyScope.Ingest, KeyScope.Import), File);

        Assert.Equal(4, busy.Refused);
        await IsWholeAndOnce(acme, outcome);
    }

    private static async Task IsWholeAndOnce(Org org, Imports.Outcome outcome)
    {
        Assert.True(outcome.Counts.Refused == 0 && !outcome.Report.Contains("Stopped", StringComparison.Ordinal), outcome.Report);
        var shown = Imports.Shown(await Imports.Export(await org.Admin()));
        var messages = Enumerable.Range(0, Messages);
        Assert.Equal(
            string.Join('\n', Enumerable.Range(0, Chats).Select(chat =>
                $"# {chat}\n" + string.Join('\n', messages.Select(n => $"user {chat}-{n} createdAt=2024-01-01T01:00:00.000Z")))),
            shown);
    }

    private sealed class OwnClock : App, IAsyncDisposable
    {
        async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();
    }
}
