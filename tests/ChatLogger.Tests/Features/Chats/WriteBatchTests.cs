using System.IO.Compression;
using System.Text;
using System.Text.Json;
using ChatLogger.Auth;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>Many chats and messages in one request, each with a result of its own.</summary>
public class WriteBatchTests(DefaultDeadlineApp app) : IClassFixture<DefaultDeadlineApp>
{
    [Fact]
    public async Task Chats_and_their_messages_come_in_one_request()
    {
        var acme = await app.Org("acme");
        var old = await acme.Chat();

        var answer = await Send(
            acme,
            """{"type":"chat","ref":"a","title":" T ","tags":[" x "],"metadata":{"n":1.50},"externalUserId":"v-1"}""",
            """{"role":"user","content":"first","chatRef":"a","metadata":{"n":1.50},"type":"message","latencyMs":5}""",
            $$"""{"type":"message","chatId":"{{old}}","role":"tool","content":"there","ref":null,"model":"m"}""".Replace(
                "\"ref\":null,",
                "",
                StringComparison.Ordinal),
            """{"type":"chat"}""",
            """{"type":"message","chatRef":"a","role":"assistant","content":"second","promptTokens":1}""");

        Assert.Equal("application/json; charset=utf-8", answer.Is(207).Header("Content-Type"));
        Assert.Equal([201, 201, 201, 201, 201], Statuses(answer));
        Assert.Equal([0, 1, 2, 3, 4], answer["results"].EnumerateArray().Select(result => result.GetProperty("index").GetInt32()));
        Assert.All(answer["results"].EnumerateArray(), result =>
        {
            Assert.Equal(["index", "status", "id", "replayed", "problem"], result.EnumerateObject().Select(member => member.Name));
            Assert.False(result.GetProperty("replayed").GetBoolean());
            Assert.Equal(JsonValueKind.Null, result.GetProperty("problem").ValueKind);
        });
        var admin = await acme.Admin();
        var chat = (await admin.Get($"/orgs/me/chats/{Id(answer, 0)}")).Is(200);
        Assert.Equal((" T ", "x", "v-1"), (chat.Text("title"), chat["tags"][0].GetString(), chat.Text("externalUserId")));
        var messages = (await admin.Get($"/orgs/me/chats/{Id(answer, 0)}/messages")).Is(200)["items"];
        Assert.Equal([Id(answer, 1), Id(answer, 4)], messages.EnumerateArray().Select(message => message.GetProperty("id").GetString()));
        Assert.Equal("""{"n":1.50}""", messages[0].GetProperty("metadata").GetRawText());
        Assert.Equal(2, await acme.Count("chats") - 1);
        Assert.Equal(3, await acme.Count("messages"));
    }

    [Fact]
    public async Task Another_organization_s_chats_and_members_are_not_there()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (theirs, member) = (await globex.Chat(), (await globex.Member("user")).Id);

        var answer = await Send(
            acme,
            $$"""{"type":"message","chatId":"{{theirs}}","role":"user","content":"a"}""",
            $$"""{"type":"message","chatId":"{{Guid.CreateVersion7()}}","role":"user","content":"a"}""",
            $$"""{"type":"chat","userId":"{{member}}"}""",
            $$"""{"type":"chat","userId":"{{Guid.CreateVersion7()}}"}""");

        Assert.Equal([404, 404, 404, 404], Statuses(answer.Is(207)));
        Assert.Equal(Problem(answer, 0).GetRawText(), Problem(answer, 1).GetRawText());
        Assert.Equal(Problem(answer, 2).GetRawText(), Problem(answer, 3).GetRawText());
        Assert.Equal(0, await acme.Count("chats") + await acme.Count("messages") + await globex.Count("messages"));
        (await (await acme.Plugin()).Post($"{globex.ApiPath}/batch", """{"items":[{"type":"chat"}]}""")).IsProblem(404, "not-found");
    }

    [Theory]
    [InlineData("", "body")]
    [InlineData("[]", "body")]
    [InlineData("null", "body")]
    [InlineData("{}", "items")]
    [InlineData("""{"items":null}""", "items")]
    [InlineData("""{"items":[]}""", "items")]
    [InlineData("""{"items":{}}""", "items")]
    [InlineData("""{"items":"a"}""", "items")]
    [InlineData("""{"items":[§],"more":1}""", "body")]
    [InlineData("""{"\ud800":1,"items":[§]}""", "body")]
    [InlineData("""{"items":[§],"items":[§]}""", "items")]
    [InlineData("""{"Items":[§]}""", "body")]
    [InlineData("""{"items":[§,]}""", "body")]
    [InlineData("""{"items":[§]""", "body")]
    [InlineData("""{"items":[§]} x""", "body")]
    [InlineData("""{"items":[§,{"type":"chat","title":"\x"}]}""", "body")]
    [InlineData("""{"items":[§,{"type":"chat","metadata":{"n":01}}]}""", "body")]
    public async Task Malformed_JSON_and_another_envelope_refuse_the_whole(string body, string path)
    {
        var acme = await app.Org("acme");

        (await Raw(acme, Encoding.UTF8.GetBytes(body.Replace("§", """{"type":"chat"}""", StringComparison.Ordinal)))).IsInvalid(path);

        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task So_does_text_that_is_no_UTF_8_and_an_Idempotency_Key_for_the_whole()
    {
        var acme = await app.Org("acme");

        (await Raw(acme, [.. """{"items":[{"type":"chat"},{"type":"chat","title":"a"""u8, 0xff, .. "\"}]}"u8])).IsInvalid("body");
        (
            await Raw(acme, """{"items":[{"type":"chat"}]}"""u8.ToArray(), change: request => request.Headers.Add("Idempotency-Key", "k"))
        ).IsInvalid("idempotencyKey");

        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_thousand_items_are_taken_and_one_more_is_not()
    {
        var acme = await app.Org("acme");
        string Items(int count) => $"{{\"items\":[{string.Join(',', Enumerable.Repeat("""{"type":"chat"}""", count))}]}}";

        (await Raw(acme, Encoding.UTF8.GetBytes(Items(1_001)))).IsInvalid("items");
        Assert.Equal(0, await acme.Count("chats"));

        Assert.All(Statuses((await Raw(acme, Encoding.UTF8.GetBytes(Items(1_000)))).Is(207)), status => Assert.Equal(201, status));
        Assert.Equal(1_000, await acme.Count("chats"));
    }

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
    public async Task What_is_wrong_in_an_item_refuses_that_one(string item, string path)
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
    public async Task The_same_batch_again_writes_nothing_more_and_is_answered_the_same()
    {
        var acme = await app.Org("acme");
        string[] items =
        [
            """{"type":"chat","ref":"a","idempotencyKey":"k"}""",
            """{"type":"message","chatRef":"a","role":"user","content":"a","idempotencyKey":"k"}""",
            """{"type":"message","chatRef":"a","role":"user","content":"b","idempotencyKey":"\"l\""}""",
        ];

        var first = (await Send(acme, items)).Is(207);
        var second = (
            await Send(acme, [.. items, """{"type":"message","chatRef":"a","role":"user","content":"c","idempotencyKey":"l"}"""])
        ).Is(207);

        Assert.Equal([201, 201, 201], Statuses(first));
        Assert.Equal([201, 201, 201, 422], Statuses(second));
        Assert.Equal(
            [false, false, false],
            first["results"].EnumerateArray().Select(result => result.GetProperty("replayed").GetBoolean()));
        Assert.Equal(
            [true, true, true, false],
            second["results"].EnumerateArray().Select(result => result.GetProperty("replayed").GetBoolean()));
        for (var i = 0; i < 3; i++)
            Assert.Equal(Id(first, i), Id(second, i));
        Assert.Equal("idempotency-key-reused", Problem(second, 3).GetProperty("type").GetString());
        Assert.Equal(1, await acme.Count("chats"));
        Assert.Equal(2, await acme.Count("messages"));
    }

    [Fact]
    public async Task The_same_item_twice_in_a_batch_is_there_once_and_another_body_is_a_mistake()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        string Item(string content) =>
            $$"""{"type":"message","chatId":"{{chat}}","role":"user","content":"{{content}}","idempotencyKey":"k"}""";

        var answer = (
            await Send(
                acme,
                Item("a"),
                Item("a"),
                Item("b"),
                """{"type":"chat","idempotencyKey":"k"}""",
                """{"type":"chat","idempotencyKey":"k"}"""
            )
        ).Is(207);

        Assert.Equal([201, 201, 422, 201, 201], Statuses(answer));
        Assert.Equal(Id(answer, 0), Id(answer, 1));
        Assert.Equal(Id(answer, 3), Id(answer, 4));
        Assert.Equal(
            [false, true, false, false, true],
            answer["results"].EnumerateArray().Select(result => result.GetProperty("replayed").GetBoolean()));
        Assert.Equal(1, await acme.Count("messages"));

        // On the route for single messages it is another key.
        var alone = await (await acme.Plugin()).Send(
            HttpMethod.Post,
            $"{acme.ApiPath}/chats/{chat}/messages",
            Caller.Json("""{"role":"user","content":"a"}"""u8.ToArray()),
            request => request.Headers.Add("Idempotency-Key", "k"));
        Assert.Null(alone.Is(201).Header("Idempotent-Replayed"));
    }

    [Fact]
    public async Task Twenty_of_the_same_batch_at_once_on_two_instances_write_it_once()
    {
        var acme = await app.Org("acme");
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();
        var items = new[] { """{"type":"chat","ref":"a","idempotencyKey":"k"}""" }
            .Concat(
                Enumerable
                    .Range(0, 50)
                    .Select(i => $$"""{"type":"message","chatRef":"a","role":"user","content":"{{i}}","idempotencyKey":"k{{i}}"}"""))
            .ToArray();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() =>
            (i % 2 == 0 ? app : other).Stranger.WithKey(key).Post($"{acme.ApiPath}/batch", $"{{\"items\":[{string.Join(',', items)}]}}"))));
        await other.Stop();

        Assert.All(answers, answer => Assert.All(Statuses(answer.Is(207)), status => Assert.Equal(201, status)));
        Assert.Single(
            answers
                .Select(answer =>
                    string.Join(' ', answer["results"].EnumerateArray().Select(result => result.GetProperty("id").GetString())))
                .Distinct());
        Assert.Equal(1, await acme.Count("chats"));
        Assert.Equal(
            string.Join(' ', Enumerable.Range(0, 50)),
            await app.Value<string>("select string_agg(content, ' ' order by seq) from messages where org_id = @Id", new { acme.Id }));
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
    public async Task A_locked_chat_is_a_503_at_the_deadline_for_its_items_and_nobody_else_s()
    {
        var acme = await app.Org("acme");
        var (locked, free) = (await acme.Chat(), await acme.Chat());
        await using var blocker = await app.Rows.OpenConnectionAsync();
        await new NpgsqlCommand($"begin; select from chats where id = '{locked}' for update", blocker).ExecuteNonQueryAsync();
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
        // Where nothing at all could be written, the whole response says so, and when to retry.
        Assert.NotNull(none.IsProblem(503, "unavailable").Header("Retry-After"));
        await blocker.DisposeAsync();
        await Task.Delay(300);
        Assert.Equal(
            "b d e f",
            await app.Value<string>("select string_agg(content, ' ' order by seq) from messages where org_id = @Id", new { acme.Id }));
    }

    [Fact]
    public async Task Whatever_is_mixed_an_item_fares_as_it_would_alone()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var plugin = await acme.Plugin();
        var (chat, theirs, member) = (await acme.Chat(), await globex.Chat(), (await acme.Member("user")).Id);
        var random = new Random(20_261_122);
        string Pick(params string[] all) => all[random.Next(all.Length)];

        for (var round = 0; round < 20; round++)
        {
            var bodies = Enumerable
                .Range(0, 25)
                .Select(_ =>
                    random.Next(3) == 0
                        ? (
                            Path: "/chats",
                            Members: string.Join(
                                ',',
                                new[]
                                {
                                    Pick(
                                        "",
                                        "",
                                        "\"title\":\"t\"",
                                        "\"title\":1",
                                        "\"title\":\"\\ud800\"",
                                        $"\"title\":\"{new string('é', 201)}\"",
                                        "\"role\":\"user\""),
                                    Pick("", "", "\"tags\":[\"a\"]", "\"tags\":[null]", "\"tags\":[\" \"]", "\"tags\":\"a\""),
                                    Pick("", "", $"\"userId\":\"{member}\"", $"\"userId\":\"{Guid.CreateVersion7()}\""),
                                    Pick("", "\"metadata\":{\"a\":[1]}", "\"metadata\":[]", "\"metadata\":{\"a\":1e999}"),
                                }.Where(member => member.Length > 0)))
                        : (
                            Path: $"/chats/{Pick(chat, chat, chat, theirs, Guid.CreateVersion7().ToString())}/messages",
                            Members: string.Join(
                                ',',
                                new[]
                                {
                                    Pick(
                                        "\"role\":\"user\"",
                                        "\"role\":\"user\"",
                                        "\"role\":\"User\"",
                                        "\"role\":null",
                                        "\"role\":\"a\\u0000\""),
                                    Pick("\"content\":\"a\"", "\"content\":\"a\"", "\"content\":\"\"", "\"content\":7"),
                                    Pick(
                                        "",
                                        "",
                                        "\"latencyMs\":5",
                                        "\"latencyMs\":5.5",
                                        "\"latencyMs\":-5",
                                        "\"latencyMs\":5,\"latencyMs\":6"),
                                    Pick("", "", "\"metadata\":{\"a\":{\"a\":1,\"a\":2}}", "\"model\":\"m\"", "\"nope\":1"),
                                }.Where(member => member.Length > 0))))
                .ToList();

            var together = (await Send(acme, [.. bodies.Select(body => body.Path == "/chats"
                ? $"{{\"type\":\"chat\"{(body.Members.Length > 0 ? "," : "")}{body.Members}}}"
                : $"{{{body.Members},\"chatId\":\"{body.Path.Split('/')[2]}\",\"type\":\"message\"}}")])).Is(207);

            for (var i = 0; i < bodies.Count; i++)
            {
                var alone = await plugin.Post($"{acme.ApiPath}{bodies[i].Path}", $"{{{bodies[i].Members}}}");
                Assert.True(alone.Status == Statuses(together)[i], $"{bodies[i]}: {alone.Status} alone, {together["results"][i]}");
                if (alone.Status != 201)
                    Assert.Equal(Rejected(alone.Json), Rejected(Problem(together, i)));
            }
        }
        Assert.Equal(1, await globex.Count("chats"));
        Assert.Equal(0, await globex.Count("messages"));
        Assert.True(await app.Value<bool>("select count(*) % 2 = 0 from messages where org_id = @Id", new { acme.Id }));

        static string Rejected(JsonElement problem) =>
            problem.GetProperty("type") + " "
                + (problem.TryGetProperty("errors", out var errors)
                    ? string.Join(' ', errors.EnumerateObject().Select(error => error.Name))
                    : "");
    }

    [Fact]
    public async Task It_may_come_compressed()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var body = $$"""{"items":[{"type":"message","chatId":"{{chat}}","role":"user","content":"é{{new string('a', 200_000)}}"}]}""";

        (await Zipped(acme, Zip(body))).Is(207).AllWritten();
        (await Raw(acme, Zip(body), "GZip")).Is(207).AllWritten();
        (await Raw(acme, Encoding.UTF8.GetBytes(body), "identity")).Is(207).AllWritten();

        Assert.Equal(3, await acme.Count("messages"));
        (await Raw(acme, Zip(body), "gzip", path: "/chats")).IsProblem(415, "unsupported-media-type");
        (await Raw(acme, Zip(body), "br")).IsProblem(415, "unsupported-media-type");
        (await Raw(acme, Zip(body), "gzip, gzip")).IsProblem(415, "unsupported-media-type");
        (await Raw(acme, Zip(body))).IsInvalid("body");
    }

    [Fact]
    public async Task What_is_not_one_whole_gzip_file_is_refused()
    {
        var acme = await app.Org("acme");
        var whole = Zip("""{"items":[{"type":"chat"}]}""");
        var half = Zip("""{"items":[{"type":"chat"}""");

        foreach (
            var broken in new byte[][]
            {
                [],
                [0x1f, 0x8b],
                whole[..^1],
                whole[..^8],
                whole[..(whole.Length / 2)],
                [.. whole, 0],
                [.. whole, .. whole],
                [.. half, .. Zip("]}")],
                [.. whole[..^8], 0, 0, 0, 0, .. whole[^4..]],
                [.. whole[..12], (byte)~whole[12], .. whole[13..]],
                Encoding.UTF8.GetBytes("""{"items":[{"type":"chat"}]}"""),
                new byte[100],
            })
            (await Zipped(acme, broken)).IsInvalid("body");

        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task Four_MiB_are_taken_and_more_is_413_declared_chunked_and_unpacked()
    {
        var acme = await app.Org("acme");
        static byte[] Body(int bytes)
        {
            var body = """{"items":[{"type":"chat"}]"""u8.ToArray();
            return [.. body, .. Enumerable.Repeat((byte)' ', bytes - body.Length - 1), (byte)'}'];
        }

        (await Raw(acme, Body(4_194_304))).Is(207);
        (await Zipped(acme, Zip(Body(4_194_304)))).Is(207);
        // A client with Expect: 100-continue does not have to send the body.
        (await Raw(acme, Body(4_194_305), change: request => request.Headers.ExpectContinue = true)).IsProblem(413, "body-too-large");
        (await Raw(acme, Body(4_194_305), change: request => request.Headers.TransferEncodingChunked = true)).IsProblem(
            413,
            "body-too-large");
        (await Zipped(acme, Zip(Body(4_194_305)))).IsProblem(413, "body-too-large");
        Assert.Equal(2, await acme.Count("chats"));

        // A decompression bomb: 400 MiB in 400 KB. It may use memory only up to the limit at which it is refused.
        using var bomb = new MemoryStream();
        using (var gzip = new GZipStream(bomb, CompressionLevel.Fastest, leaveOpen: true))
        {
            var zeros = new byte[4_194_304];
            for (var i = 0; i < 100; i++)
                gzip.Write(zeros);
        }
        var before = GC.GetTotalAllocatedBytes();
        (await Zipped(acme, bomb.ToArray())).IsProblem(413, "body-too-large");
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 64 * 1_048_576);
    }

    private static Task<Answer> Zipped(Org org, byte[] body) => Raw(org, body, "gzip");

    private static byte[] Zip(string text) => Zip(Encoding.UTF8.GetBytes(text));

    private static byte[] Zip(byte[] bytes)
    {
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return zipped.ToArray();
    }

    private static async Task<Answer> Raw(
        Org org,
        byte[] body,
        string? encoding = null,
        string path = "/batch",
        Action<HttpRequestMessage>? change = null)
    {
        var content = Caller.Json(body);
        if (encoding is not null)
            content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        return await (await org.Plugin()).Send(HttpMethod.Post, $"{org.ApiPath}{path}", content, change ?? (_ => { }));
    }

    private static async Task<Answer> Send(Org org, params string[] items) => await Send(await org.Plugin(), org, items);

    private static Task<Answer> Send(Caller plugin, Org org, params string[] items) =>
        plugin.Post($"{org.ApiPath}/batch", $"{{\"items\":[{string.Join(',', items)}]}}");

    private static int[] Statuses(Answer answer) =>
        [.. answer["results"].EnumerateArray().Select(result => result.GetProperty("status").GetInt32())];

    private static string? Id(Answer answer, int index) => answer["results"][index].GetProperty("id").GetString();

    private static JsonElement Problem(Answer answer, int index) => answer["results"][index].GetProperty("problem");
}

internal static class BatchAnswer
{
    public static void AllWritten(this Answer answer) =>
        Assert.All(answer["results"].EnumerateArray(), result => Assert.Equal(201, result.GetProperty("status").GetInt32()));
}

/// <summary>The service with a small batch capacity, and low rate limits.</summary>
public class NarrowBatchApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["Ingest:BatchQueueRows"] = "10",
                ["RateLimits:Ingest:PerSecond"] = "1",
                ["RateLimits:Ingest:Burst"] = "3",
                ["Ingest:FlushRows"] = "3",
            });
}

public class FullBatchTests(NarrowBatchApp app) : IClassFixture<NarrowBatchApp>
{
    [Fact]
    public async Task A_batch_for_which_there_is_no_room_is_refused_as_a_whole_and_one_that_fits_is_one_request()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        string Items(int count) => $"{{\"items\":[{string.Join(',', Enumerable.Range(0, count).Select(i =>
            i == 0 ? """{"type":"chat","ref":"a"}""" : $$"""{"type":"message","chatRef":"a","role":"user","content":"{{i}}"}"""))}]}}";

        var refused = await plugin.Post($"{acme.ApiPath}/batch", Items(11));
        Assert.NotNull(refused.IsProblem(503, "unavailable").Header("Retry-After"));
        Assert.Equal(0, await acme.Count("chats"));

        // Of many statements, in order; and each row releases its capacity.
        (await plugin.Post($"{acme.ApiPath}/batch", Items(10))).Is(207);
        (await plugin.Post($"{acme.ApiPath}/batch", Items(10))).Is(207);
        Assert.Equal(18, await acme.Count("messages"));
        Assert.Equal(
            2,
            await app.Value<long>(
                "select count(*) from (select from messages where org_id = @Id group by chat_id having string_agg(content, '' order by "
                    + "seq) = '123456789') m",
                new { acme.Id }));
        (await plugin.Post($"{acme.ApiPath}/batch", Items(1))).IsProblem(429, "throttled");
    }
}
