using System.Text.Json;
using ChatLogger.Auth;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

public partial class WriteBatchTests
{
    [Theory]
    [InlineData("3", "body")]
    [InlineData("null", "body")]
    [InlineData("[{}]", "body")]
    [InlineData("{}", "type")]
    [InlineData("""{"type":"Chat"}""", "type")]
    [InlineData("""{"type":1}""", "type")]
    [InlineData("""{"type":null}""", "type")]
    [InlineData("""{"type":{"type":"chat"}}""", "type")]
    [InlineData("""{"type":"chat","type":"chat"}""", "type")]
    [InlineData("""{"type":"chat","role":"user"}""", "body")]
    [InlineData("""{"type":"chat","chatId":null}""", "body")]
    [InlineData("""{"type":"chat","title":1}""", "title")]
    [InlineData("""{"type":"chat","title":"a","title":"b"}""", "title")]
    [InlineData("""{"type":"chat","title":"\u0000"}""", "title")]
    [InlineData("""{"type":"chat","metadata":{"\ud800":1}}""", "metadata")]
    [InlineData("""{"\ud800":1,"type":"chat"}""", "body")]
    [InlineData("""{"type":"\ud800"}""", "type")]
    [InlineData("""{"type":"chat","tags":["a","a"]}""", "tags")]
    [InlineData("""{"type":"chat","userId":"A"}""", "userId")]
    [InlineData("""{"type":"chat","ref":""}""", "ref")]
    [InlineData("""{"type":"chat","ref":"129"}""", "ref")]
    [InlineData("""{"type":"chat","idempotencyKey":"é"}""", "idempotencyKey")]
    [InlineData("""{"type":"chat","idempotencyKey":""}""", "idempotencyKey")]
    [InlineData("""{"type":"chat","metadata":"deep"}""", "metadata")]
    [InlineData("""{"type":"message","role":"user","content":"a"}""", "chatId")]
    [InlineData("""{"type":"message","chatId":"§","chatRef":"a","role":"user","content":"a"}""", "chatId")]
    [InlineData("""{"type":"message","chatId":"{§}","role":"user","content":"a"}""", "chatId")]
    [InlineData("""{"type":"message","chatId":"§","role":"bot","content":"a"}""", "role")]
    [InlineData("""{"type":"message","chatId":"§","content":"a"}""", "role")]
    [InlineData("""{"type":"message","chatId":"§","role":"user","content":" "}""", "content")]
    [InlineData("""{"type":"message","chatId":"§","role":"user","content":"long"}""", "content")]
    [InlineData("""{"type":"message","chatId":"§","role":"user","content":"a","latencyMs":-1}""", "latencyMs")]
    [InlineData("""{"type":"message","chatId":"§","role":"user","content":"a","title":"a"}""", "body")]
    public async Task An_invalid_item_is_refused_alone(string item, string path)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        item = item.Replace("§", chat, StringComparison.Ordinal).Replace("\"129\"", $"\"{new string('r', 129)}\"", StringComparison.Ordinal)
            .Replace("\"long\"", $"\"{new string('a', 262_145)}\"", StringComparison.Ordinal)
            .Replace(
                "\"deep\"",
                string.Concat(Enumerable.Repeat("{\"a\":", 5_000)) + "1" + new string('}', 5_000),
                StringComparison.Ordinal);

        var answer = await Send(
            acme,
            """{"type":"chat"}""",
            item,
            $$"""{"type":"message","chatId":"{{chat}}","role":"user","content":"a"}"""
        );

        Assert.Equal([201, 400, 201], Statuses(answer.Is(207)));
        Assert.Equal(JsonValueKind.Null, answer["results"][1].GetProperty("id").ValueKind);
        var problem = Problem(answer, 1);
        Assert.Equal(("validation", 400), (problem.GetProperty("type").GetString(), problem.GetProperty("status").GetInt32()));
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        Assert.NotEmpty(problem.GetProperty("traceId").GetString()!);
        // For an item that nests too deep to parse, the error names the item as a whole.
        Assert.Contains(
            problem.GetProperty("errors").EnumerateObject(),
            error => error.Name == path || (item.Length > 10_000 && error.Name == "body"));
        Assert.Equal(2, await acme.Count("chats"));
        Assert.Equal(1, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_ref_points_backwards_to_a_chat_that_was_opened()
    {
        var acme = await app.Org("acme");
        string Say(string name) => $$"""{"type":"message","chatRef":"{{name}}","role":"user","content":"a"}""";

        var answer = await Send(
            acme,
            Say("a"),
            """{"type":"chat","ref":"a"}""",
            """{"type":"chat","ref":"a","title":"again"}""",
            Say("a"),
            Say("nobody"),
            """{"type":"chat","ref":"bad","title":1}""",
            $$"""{"type":"chat","ref":"gone","userId":"{{Guid.CreateVersion7()}}"}""",
            Say("gone"),
            Say("bad"),
            """{"type":"chat","ref":"tagged","tags":["a","a"]}""",
            Say("tagged"),
            Say("tagged"));

        Assert.Equal([404, 201, 400, 201, 404, 400, 404, 404, 404, 400, 404, 404], Statuses(answer.Is(207)));
        Assert.True(Problem(answer, 2).GetProperty("errors").TryGetProperty("ref", out _));
        Assert.Equal(1, await acme.Count("chats"));
        Assert.Equal(1, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_time_of_its_own_needs_a_key_that_may_import()
    {
        var acme = await app.Org("acme");
        const string chat = """{"type":"chat","ref":"a","createdAt":"2020-01-02T03:04:05.6789+01:00"}""";
        string Say(string time) => $$"""{"type":"message","chatRef":"a","role":"user","content":"{{time}}","createdAt":"{{time}}"}""";
        var importing = app.Stranger.WithKey(await acme.Key(KeyScope.Ingest, KeyScope.Import));

        var refused = (await Send(acme, chat, """{"type":"chat"}""", Say("2020-01-02T03:04:05Z"))).Is(207);
        Assert.Equal([403, 201, 403], Statuses(refused));
        Assert.Equal("forbidden", Problem(refused, 0).GetProperty("type").GetString());
        Assert.Equal(
            1,
            await app.Value<long>("select count(*) from audit_events where org_id = @Id and action = 'access.denied'", new { acme.Id }));

        var later = app.Clock.GetUtcNow().AddHours(23).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", null);
        var tooLate = app.Clock.GetUtcNow().AddHours(25).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", null);
        var answer = (
            await Send(
                importing,
                acme,
                chat,
                Say(later),
                Say("2020-01-02T03:04:05Z"),
                Say("1970-01-01T00:00:00Z"),
                Say("1969-12-31T23:59:59.999Z"),
                Say(tooLate),
                Say("9999-12-31T23:59:59-14:00"),
                Say("2020-01-02"),
                """{"type":"chat","createdAt":null}"""
            )
        ).Is(207);

        Assert.Equal([201, 201, 201, 201, 400, 400, 400, 400, 201], Statuses(answer));
        Assert.True(Problem(answer, 5).GetProperty("errors").TryGetProperty("createdAt", out _));
        Assert.Equal("2020-01-02T02:04:05.678Z", (await (await acme.Admin()).Get($"/orgs/me/chats/{Id(answer, 0)}")).Text("createdAt"));
        // In the order of arrival, not of createdAt.
        var messages = (await (await acme.Admin()).Get($"/orgs/me/chats/{Id(answer, 0)}/messages")).Is(200)["items"].EnumerateArray();
        Assert.Equal(
            [later, "2020-01-02T03:04:05Z", "1970-01-01T00:00:00Z"],
            messages.Select(message => message.GetProperty("content").GetString()));
    }

    [Fact]
    public async Task A_row_that_the_database_refuses_is_refused_alone_and_the_others_keep_their_order()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await app.Execute("alter table messages add constraint poisoned_batch check (content <> 'batch poison')");
        try
        {
            var answer = await Send(acme, [.. Enumerable.Range(0, 500).Select(i =>
                $$"""{"type":"message","chatId":"{{chat}}","role":"user","content":"{{(i == 321 ? "batch poison" : i)}}"}""")]);

            Assert.Equal(
                [321],
                Statuses(answer.Is(207)).Select((status, i) => (status, i)).Where(result => result.status != 201).Select(result => result.i)
            );
            Assert.Equal(400, Statuses(answer)[321]);
            Assert.Equal(
                string.Join(' ', Enumerable.Range(0, 500).Where(i => i != 321)),
                await app.Value<string>("select string_agg(content, ' ' order by seq) from messages where org_id = @Id", new { acme.Id }));
        }
        finally
        {
            await app.Execute("alter table messages drop constraint poisoned_batch");
        }
    }

    [Fact]
    public async Task A_locked_chat_is_a_503_at_the_deadline_for_its_own_items_only()
    {
        var acme = await app.Org("acme");
        var (locked, free) = (await acme.Chat(), await acme.Chat());
        await using var blocker = await app.Rows.OpenConnectionAsync();
        await new NpgsqlCommand($"begin; select from chats where org_id = '{acme.Id}' and id = '{locked}' for update", blocker)
            .ExecuteNonQueryAsync();
        string Say(string chat, string content) => $$"""{"type":"message","chatId":"{{chat}}","role":"user","content":"{{content}}"}""";

        var pace = LoadAwareStopwatch.Start();
        var sending = Send(acme, Say(locked, "a"), Say(free, "b"), Say(locked, "c"), Say(free, "d"));
        var alone = Send(acme, Say(locked, "a"));
        await Task.Delay(500);
        await acme.Say(free, "e");
        (await Send(acme, Say(free, "f"))).Is(207).AllWritten();
        Assert.False(sending.IsCompleted);
        var answer = await sending;
        var none = await alone;

        Assert.True(pace.Elapsed.TotalSeconds >= 3.9, $"It was answered after {pace.Elapsed}.");
        await pace.Within(5);
        Assert.Equal([503, 201, 503, 201], Statuses(answer.Is(207)));
        Assert.Equal("unavailable", Problem(answer, 0).GetProperty("type").GetString());
        // If no item could be written, the response as a whole is a 503 with Retry-After.
        Assert.NotNull(none.IsProblem(503, "unavailable").Header("Retry-After"));
        await blocker.DisposeAsync();
        await Task.Delay(300);
        Assert.Equal(
            "b d e f",
            await app.Value<string>("select string_agg(content, ' ' order by content) from messages where org_id = @Id", new { acme.Id }));
    }
}
