using System.Text.Json;
using Npgsql;

namespace ChatLogger.Tests.Contracts;

/// <summary>The messages of a chat have one order, and the pages of a list contain every item exactly once.</summary>
public class OrderTests(DefaultDeadlineApp app) : IClassFixture<DefaultDeadlineApp>
{
    [Fact]
    public async Task A_reader_who_follows_the_cursors_sees_each_message_of_eight_writers_once_and_in_order()
    {
        const int writers = 8, each = 20;
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var chat = await acme.Chat();
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();

        async Task Write(int writer)
        {
            var plugin = (writer % 2 == 0 ? app : other).Stranger.WithKey(key);
            for (var i = 0; i < each; i++)
                (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = $"{writer} {i:D3}" })).Is(201);
        }
        var writing = Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(() => Write(writer))));

        var seen = new List<(string Id, string Content)>();
        var cursor = "";
        var pagesWhileWriting = 0;
        while (true)
        {
            var done = writing.IsCompleted;
            var page = (await viewer.Get($"/orgs/me/chats/{chat}/messages?limit=3{cursor}")).Is(200);
            // The last page is still growing: it counts when there is a next one, or when all writers have stopped.
            if (page["nextCursor"].GetString() is { } next)
                cursor = $"&cursor={next}";
            else if (!done)
                continue;
            seen.AddRange(
                page["items"]
                    .EnumerateArray()
                    .Select(item => (item.GetProperty("id").GetString()!, item.GetProperty("content").GetString()!)));
            pagesWhileWriting += done ? 0 : 1;
            if (page["nextCursor"].ValueKind == JsonValueKind.Null)
                break;
        }
        await writing;
        await other.Stop();

        Assert.Equal(writers * each, seen.Count);
        Assert.Equal(
            await Ids($"select id::text from messages where org_id = '{acme.Id}' order by seq"),
            seen.Select(message => message.Id));
        Assert.All(
            seen.GroupBy(message => message.Content[0]),
            own =>
                Assert.Equal(own.Select(message => message.Content).Order(StringComparer.Ordinal), own.Select(message => message.Content)));
        Assert.True(pagesWhileWriting > 0, "The reader came too late for the test to mean anything.");
        var backwards = (await viewer.Get($"/orgs/me/chats/{chat}/messages?limit=200&order=desc")).Is(200);
        Assert.Equal(
            seen.Select(message => message.Id).Reverse(),
            backwards["items"].EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
    }

    [Fact]
    public async Task A_message_that_commits_late_keeps_its_position()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var chat = await acme.Chat();
        var quiet = await globex.Chat();
        var plugin = await acme.Plugin();
        Task<Answer> Say(string content) => plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content });

        await using var slow = await app.Rows.OpenConnectionAsync();
        await using var transaction = await slow.BeginTransactionAsync();
        await using var insert = new NpgsqlCommand(
            """
            select from organization_log where org_id = @OrgId for no key update;
            insert into messages (org_id, chat_id, id, role, content, created_at)
            values (@OrgId, @ChatId, gen_random_uuid(), 'user', 'slow', now())
            """,
            slow,
            transaction);
        insert.Parameters.AddWithValue("OrgId", acme.Id);
        insert.Parameters.AddWithValue("ChatId", Guid.Parse(chat));
        Assert.Equal(1, await insert.ExecuteNonQueryAsync());

        var pace = LoadAwareStopwatch.Start();
        var refused = await Say("refused");
        Assert.True(pace.Elapsed.TotalSeconds >= 1.5, $"It was refused after {pace.Elapsed}.");
        await pace.Within(5);
        refused.IsProblem(503, "unavailable");
        var waiting = Say("waiting");
        await globex.Say(quiet, "in a log of its own");
        Assert.False(waiting.IsCompleted);
        await transaction.CommitAsync();
        (await waiting).Is(201);

        var read = (await (await acme.Admin()).Get($"/orgs/me/chats/{chat}/messages")).Is(200);
        Assert.Equal(["slow", "waiting"], read["items"].EnumerateArray().Select(item => item.GetProperty("content").GetString()!));
    }

    [Theory]
    [InlineData("chats")]
    [InlineData("apikeys")]
    public async Task New_rows_neither_shift_nor_repeat_the_pages_of_a_list(string list)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        Task Add() => list == "chats" ? acme.Chat() : acme.Key();
        // Several within one millisecond: the id decides.
        await Task.WhenAll(Enumerable.Range(0, 9).Select(_ => Add()));
        var before = await Ids(
            $"select id::text from {(list == "chats" ? list : "api_keys")} where org_id = '{acme.Id}' order by created_at desc, id desc");

        var seen = new List<string>();
        var cursor = "";
        while (true)
        {
            var page = (await admin.Get($"/orgs/me/{list}?limit=2{cursor}")).Is(200);
            Assert.InRange(page["items"].GetArrayLength(), 1, 2);
            seen.AddRange(page["items"].EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
            await Add();
            if (page["nextCursor"].GetString() is not { } next)
                break;
            cursor = $"&cursor={next}";
        }

        Assert.Equal(before, seen);
    }

    [Fact]
    public async Task A_cursor_is_good_for_the_list_it_came_from_and_nothing_else()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (chat, second) = (await acme.Chat(), await acme.Chat());
        await globex.Chat();
        await globex.Chat();
        foreach (var each in new[] { chat, second })
        {
            await acme.Say(each, "a");
            await acme.Say(each, "b");
        }
        var admin = await acme.Admin();
        async Task<string> Cursor(Caller caller, string path) => (await caller.Get($"{path}limit=1")).Is(200).Text("nextCursor");
        var ofChats = await Cursor(admin, "/orgs/me/chats?");
        var ofForeign = await Cursor(await globex.Admin(), "/orgs/me/chats?");
        var ofMessages = await Cursor(admin, $"/orgs/me/chats/{chat}/messages?");
        var ofOthers = await Cursor(admin, $"/orgs/me/chats/{second}/messages?");
        var ofReverse = await Cursor(admin, $"/orgs/me/chats/{chat}/messages?order=desc&");

        (await admin.Get($"/orgs/me/chats?cursor={ofChats}")).Is(200);
        (await admin.Get($"/orgs/me/chats/{chat}/messages?cursor={ofMessages}")).Is(200);
        foreach (
            var wrong in new[]
            {
                ofForeign,
                ofMessages,
                "",
                "a",
                ofChats + "A",
                ofChats[..^1],
                (ofChats[0] == 'A' ? "B" : "A") + ofChats[1..],
                ofChats + "=",
                " " + ofChats,
            })
            (await admin.Get($"/orgs/me/chats?cursor={Uri.EscapeDataString(wrong)}")).IsInvalid("cursor");
        foreach (var wrong in new[] { ofChats, ofOthers, ofReverse })
            (await admin.Get($"/orgs/me/chats/{chat}/messages?cursor={wrong}")).IsInvalid("cursor");
        (await admin.Get($"/orgs/me/apikeys?cursor={ofChats}")).IsInvalid("cursor");
    }

    private async Task<List<string>> Ids(string sql)
    {
        await using var command = app.Rows.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var ids = new List<string>();
        while (await reader.ReadAsync())
            ids.Add(reader.GetString(0));
        return ids;
    }
}
