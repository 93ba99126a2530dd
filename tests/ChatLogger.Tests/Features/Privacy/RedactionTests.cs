using System.Text.Json;
using ChatLogger.Tests.Features.Integrations;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Privacy;

/// <summary>
/// What an organization does not want to be stored is replaced on every way in, before anything is written, hashed or logged.
/// </summary>
public partial class RedactionTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private const string Secret = "jane.doe@example.com", Order = "ORD-4711";

    [Fact]
    public async Task Chats_messages_feedback_and_changes_are_redacted()
    {
        var acme = await Acme();
        var plugin = await acme.Plugin();
        var said = $"I am {Secret}, {Order}";

        var chat = (await plugin.Post($"{acme.ApiPath}/chats", new { title = said, metadata = new { mail = Secret } })).Is(201);
        var id = chat.Text("id");
        var message = (await plugin.Post($"{acme.ApiPath}/chats/{id}/messages", new
        {
            role = "assistant",
            content = said,
            parts = new object[] { new { type = "text", text = said } },
            toolCalls = new object[]
            {
                new { id = "1", name = "mail", arguments = JsonSerializer.Serialize(new { to = Secret }) },
                new { id = "2", name = "mail", arguments = new { to = new[] { Secret } } },
            },
            metadata = new { mail = Secret },
        })).Is(201);
        var messageId = message.Text("id");
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{id}/feedback", new { rating = "up", comment = said })).Is(200);
        (await plugin.Send(
            HttpMethod.Put, $"{acme.ApiPath}/chats/{id}/messages/{messageId}/feedback", new { rating = "up", comment = said })).Is(200);

        Assert.Equal("I am [email], [order]", chat.Text("title"));
        Assert.Equal("I am [email], [order]", message.Text("content"));
        Assert.Equal("I am [email], [order]", message["parts"][0].GetProperty("text").GetString());
        Assert.Equal("""{"to":"[email]"}""", message["toolCalls"][0].GetProperty("arguments").GetString());
        Assert.Equal("""{"to":["[email]"]}""", message["toolCalls"][1].GetProperty("arguments").GetRawText());
        Assert.Equal("[email]", message["metadata"].GetProperty("mail").GetString());
        (await plugin.Patch($"{acme.ApiPath}/chats/{id}", new { title = said, metadata = new { other = Secret } })).Is(200);
        await IsNowhere(acme);
    }

    [Fact]
    public async Task Members_batches_and_their_keys_are_redacted()
    {
        var acme = await Acme();
        var (admin, plugin) = (await acme.Admin(), await acme.Plugin());
        var body = new { role = "user", content = Secret };
        var chat = (await admin.Post("/orgs/me/chats", new { title = Secret })).Is(201);
        Assert.Equal("[email]", (await admin.Post($"/orgs/me/chats/{chat.Text("id")}/messages", body)).Is(201).Text("content"));
        var changed = await admin.Patch($"/orgs/me/chats/{chat.Text("id")}", new { title = Secret + "!" });
        Assert.Equal("[email]!", changed.Is(200).Text("title"));
        var batch = new
        {
            items = new object[]
            {
                new { type = "chat", @ref = "c", title = Secret, idempotencyKey = "1" },
                new { type = "message", chatRef = "c", @ref = "m", role = "user", content = Secret, idempotencyKey = "2" },
                new { type = "feedback", chatRef = "c", messageRef = "m", rating = "up", comment = Secret, idempotencyKey = "3" },
            },
        };

        var first = (await plugin.Post($"{acme.ApiPath}/batch", batch)).Is(207);
        var again = (await plugin.Post($"{acme.ApiPath}/batch", batch)).Is(207);

        Assert.All(first["results"].EnumerateArray(), result => Assert.Equal(201, result.GetProperty("status").GetInt32()));
        Assert.All(again["results"].EnumerateArray(), result => Assert.True(result.GetProperty("replayed").GetBoolean(), again.Body));
        await IsNowhere(acme);
    }

    [Fact]
    public async Task The_hash_of_a_body_does_not_tell_what_was_replaced_and_those_of_before_still_replay()
    {
        var acme = await Acme();
        var plugin = await acme.Plugin();
        var chat = await acme.Chat();
        var body = $$"""{"role":"user","content":"{{Secret}}"}""";
        var sha256 = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(body));

        var first = (await Say(body)).Is(201);
        var stored = await app.Value<byte[]>("select body_sha256 from idempotency_keys where org_id = @Id", new { acme.Id });
        Assert.NotEqual(sha256, stored);
        Assert.Equal(("true", first.Text("id")), ((await Say(body)).Is(201).Header("Idempotent-Replayed"), (await Say(body)).Text("id")));
        (await Say(body.Replace("jane", "john", StringComparison.Ordinal))).IsProblem(422, "idempotency-key-reused");

        // What the version before has stored.
        await app.Execute("update idempotency_keys set body_sha256 = @sha256 where org_id = @Id", new { acme.Id, sha256 });
        Assert.Equal(first.Text("id"), (await Say(body)).Is(201).Text("id"));
        (await Say(body.Replace("jane", "john", StringComparison.Ordinal))).IsProblem(422, "idempotency-key-reused");

        Task<Answer> Say(string json) => plugin.Send(
            HttpMethod.Post, $"{acme.ApiPath}/chats/{chat}/messages", Caller.Json(System.Text.Encoding.UTF8.GetBytes(json)),
            request => request.Headers.Add("Idempotency-Key", "k"));
    }

    [Fact]
    public async Task Traces_are_redacted_and_histories_compared_as_they_are_stored()
    {
        var acme = await Acme();
        var start = DateTimeOffset.UtcNow.AddMinutes(-30);
        List<string> history = [];
        for (var turn = 1; turn <= 3; turn++)
        {
            history.Add($"question {turn} of {Secret}");
            var span = OtlpExports.Chat(
                OtlpExports.TraceId(), OtlpExports.SpanId(), start.AddMinutes(turn), "s", [.. history], $"answer {turn} to {Secret}");
            (await (await acme.Plugin()).Post("/v1/traces", OtlpExports.Export(span))).Is(200);
            (await (await acme.Plugin()).Post("/v1/traces", OtlpExports.Export(span))).Is(200);
            history.Add($"answer {turn} to {Secret}");
        }

        var messages = await ReceiveTracesTests.Messages(acme, "s");
        Assert.Equal(history.Select(said => said.Replace(Secret, "[email]", StringComparison.Ordinal)), messages.Select(Content));
        await IsNowhere(acme);
    }

    [Fact]
    public async Task A_history_from_before_is_not_said_twice_when_redaction_is_turned_on()
    {
        var acme = await app.Org("acme");
        var start = DateTimeOffset.UtcNow.AddMinutes(-30);
        await Send(1, ["q " + Secret], "a");
        await TurnOn(acme);
        await Send(2, ["q " + Secret, "a", "q2 " + Secret], "a2");

        Assert.Equal(["q " + Secret, "a", "q2 [email]", "a2"], (await ReceiveTracesTests.Messages(acme, "s")).Select(Content));

        async Task Send(int minute, string[] input, string answer) => (await (await acme.Plugin()).Post("/v1/traces", OtlpExports.Export(
            OtlpExports.Chat(OtlpExports.TraceId(), OtlpExports.SpanId(), start.AddMinutes(minute), "s", input, answer)))).Is(200);
    }

    [Fact]
    public async Task Pieces_of_Langfuse_and_Lunary_are_redacted_before_they_wait()
    {
        var acme = await Acme();
        var plugin = await acme.Plugin();
        var now = DateTimeOffset.UtcNow;
        object Event(string type, object body) => new { id = Guid.NewGuid(), type, timestamp = now, body };
        var input = new[] { new { role = "user", content = Secret } };
        (await plugin.Post("/api/public/ingestion", new
        {
            batch = new[] { Event("generation-create", new { id = "g", traceId = "t", startTime = now, input, level = Order }) },
        })).Is(207);
        (await plugin.Post("/v1/runs/ingest", new
        {
            events = new object[]
            {
                new { type = "llm", @event = "start", runId = "r", timestamp = now, input },
                new { type = "thread", @event = "chat", runId = "m", parentRunId = "th", timestamp = now, message = input[0] },
                new { @event = "feedback", runId = "m", timestamp = now, feedback = new { thumb = "up", comment = Secret } },
            },
        })).Is(200);
        Assert.Equal(2, await app.Value<long>(
            "select count(*) from integration_events where org_id = @Id and body::text like '%[email]%'", new { acme.Id }));
        (await plugin.Post("/api/public/ingestion", new
        {
            batch = new[] { Event("generation-update", new { id = "g", traceId = "t", output = $"a {Secret}", statusMessage = Secret }) },
        })).Is(207);

        Assert.Equal(["[email]", "a [email]"], (await ReceiveTracesTests.Messages(acme, "t")).Select(Content));
        await IsNowhere(acme, withOrder: false);
    }

    [Fact]
    public async Task What_is_said_elsewhere_or_without_it_stays_as_it_is()
    {
        var globex = await app.Org("globex");
        await TurnOn(await app.Org("acme"));
        var chat = await globex.Chat(new { title = Secret });
        await globex.Say(chat, Secret);

        Assert.Equal(1, await app.Value<long>(
            "select count(*) from messages where org_id = @Id and content = @Secret", new { globex.Id, Secret }));
    }

    private async Task<Org> Acme()
    {
        var acme = await app.Org("acme");
        await TurnOn(acme);
        return acme;
    }

    private static async Task TurnOn(Org org) => (await (await org.Admin()).Patch("/orgs/me", new
    {
        settings = new
        {
            redaction = new
            {
                kinds = new[] { "email", "phone", "creditCard", "iban", "ipAddress", "secret" },
                patterns = new[] { new { name = "order", pattern = "ORD-[0-9]{4}" } },
                metadata = true,
            },
        },
    })).Is(200);

    // In no table, and in no line of the log.
    private async Task IsNowhere(Org org, bool withOrder = true)
    {
        await using var command = app.Rows.CreateCommand(
            """
            select c.relname::text
            from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
            where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
            """);
        var tables = new List<string>();
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
                tables.Add(reader.GetString(0));
        }
        Assert.Contains("messages", tables);
        foreach (var text in withOrder ? new[] { Secret, Order } : [Secret])
        {
            foreach (var table in tables)
                Assert.Equal(0, await app.Value<long>(
                    $"select count(*) from {table} t where org_id = @Id and position(@text in t::text) > 0", new { org.Id, text }));
            Assert.DoesNotContain(app.Log.All, line => line.Contains(text, StringComparison.Ordinal));
        }
    }

    private static string? Content(JsonElement message) => message.GetProperty("content").GetString();
}
