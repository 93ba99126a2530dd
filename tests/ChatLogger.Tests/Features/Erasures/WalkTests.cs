using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ChatLogger.ChangeFeed;
using ChatLogger.Tests.Features.Analytics;
using ChatLogger.Tests.Features.Exports;
using ChatLogger.Tests.Features.Integrations;
using ChatLogger.Tests.Features.Webhooks;

namespace ChatLogger.Tests.Features.Erasures;

/// <summary>
/// A text, an id and a name go through everything there is, and after the erasure they are in no column of any table, in no file and in no
/// line of the log, neither as they are nor as a hash.
/// </summary>
public class WalkTests(ErasureApp app) : IClassFixture<ErasureApp>
{
    // One word, so that the search index has it as it is.
    private readonly string _text = $"zq{Guid.NewGuid():N}";
    private readonly string _name = $"zn{Guid.NewGuid():N}";

    [Fact]
    public async Task Nothing_of_an_erased_end_user_is_left_anywhere()
    {
        await using var receiver = await Receiver.Start();
        var acme = await app.Org("acme");
        var (admin, plugin) = (await acme.Admin(), app.Stranger.WithKey(await acme.Key("ingest", "read")));
        var webhook = await admin.Webhook($"{receiver.Url}/hook");
        var ids = new List<string>();
        var chat = await Conversation(acme, plugin, admin, ids);
        await Integrations(acme, plugin, ids);
        (await plugin.Post($"{acme.ApiPath}/chats", new { title = "of somebody else", externalUserId = "other" })).Is(201);
        await app.FoldAll(acme);
        await app.Until("select count(*) = 2 from search_terms where term in (@Text, @Name)", new { Text = _text, Name = _name });
        var export = await Export(admin, chat);
        var cursor = (await admin.Get($"/orgs/me/chats?limit=1&externalUserId={_name}")).Is(200).Text("nextCursor");
        await Wait.Until(() => receiver.All.Any(each => each.Text.Contains(_text, StringComparison.Ordinal)), "a delivery");
        await app.Rests(webhook);

        // Before the erasure the walk finds all of it, so it looks where it should.
        Assert.Equal(
            ["chats", "exports", "feedback", "idempotency_keys", "integration_events", "messages", "rollup_names", "search_terms"],
            await Tables(Forms(_text)));
        Assert.Equal(
            ["chats", "exports", "integration_events", "messages", "rollup_names", "search_terms"], await Tables(Forms(_name)));
        string[] expected =
            ["audit_events", "chat_quarters", "chat_sums", "chats", "export_chats", "feedback", "idempotency_keys", "messages",
                "organization_events", "search_index", "webhook_deliveries"];
        var holding = await Tables(ids.SelectMany(Forms));
        Assert.All(expected, table => Assert.Contains(table, holding));
        Assert.Contains(Files(), file => File.ReadAllText(file).Contains(_text, StringComparison.Ordinal));

        var erasure = await app.Done(admin, await admin.Erase(_name));

        Assert.Equal([5, 8, 2, 1], erasure.Counts());
        // The events of the log are kept for those who follow it and were away, for less than an hour.
        await app.Execute($"update organization_events set {App.Earlier("at", "55 minutes")}");
        await Wait.Until(
            async () =>
            {
                await app.Job<OrganizationEventsCleanup>().Run(CancellationToken.None);
                return await acme.Count("organization_events") == 0;
            },
            "all consumers are past the events");
        (await admin.Get($"{ExportFixture.Path}/{export}")).IsProblem(410, "export-outdated");
        string[] gone = [.. Forms(_text), .. Forms(_name), .. Forms(cursor)];
        Assert.Empty(await Tables(gone));
        Assert.Equal(["erased_ids"], await Tables(ids.SelectMany(Forms)));
        Assert.Empty(Files());
        var log = string.Join('\n', app.Log.All);
        Assert.All(gone, form => Assert.DoesNotContain(form, log, StringComparison.OrdinalIgnoreCase));
        Assert.Empty(await admin.Listed($"?externalUserId={_name}"));
        Assert.Empty(await admin.Listed($"?q={_text}"));
        Assert.Single(await admin.Listed());
    }

    private async Task<string> Conversation(Org acme, Caller plugin, Caller admin, List<string> ids)
    {
        var chat = (await Keyed(
            plugin,
            $"{acme.ApiPath}/chats",
            new
            {
                externalId = _text,
                title = $"about {_text}",
                tags = new[] { _text },
                metadata = new { about = _text, of = _name },
                externalUserId = _name,
            },
            $"chat-{_text}")).Is(201).Text("id");
        var message = (await Keyed(
            plugin,
            $"{acme.ApiPath}/chats/{chat}/messages",
            new
            {
                role = "assistant",
                content = $"said {_text} to {_name}",
                parts = new[] { new { type = "text", text = _text } },
                toolCalls = new[] { new { id = "c1", name = "find", arguments = new { q = _text } } },
                metadata = new { about = _text },
                model = _text[..30],
            },
            $"message-{_text}")).Is(201).Text("id");
        (await plugin.Send(
            HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/messages/{message}/feedback", new { rating = "down", comment = _text })).Is(200);
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating = "up", comment = "fine" })).Is(200);
        // One that was deleted before, which the audit log knows.
        var deleted = await acme.Say(chat, _text);
        (await admin.Delete($"/orgs/me/chats/{chat}/messages/{deleted}")).Is(204);
        (await admin.Patch($"/orgs/me/chats/{chat}", new { title = $"again about {_text}" })).Is(200);
        var items = new object[]
        {
            new { type = "chat", @ref = "c1", externalUserId = _name, title = _text, idempotencyKey = $"batch-chat-{_text}" },
            new { type = "message", chatRef = "c1", role = "user", content = _text, idempotencyKey = $"batch-message-{_text}" },
        };
        var results = (await plugin.Post($"{acme.ApiPath}/batch", new { items })).Is(207)["results"];
        ids.AddRange([chat, message, deleted, .. results.EnumerateArray().Select(result => result.GetProperty("id").GetString()!)]);
        return chat;
    }

    // A trace in a session, with a call that is not complete, of the same end user; a message of a thread with runs within it, whose
    // senders name nobody; and a span.
    private async Task Integrations(Org acme, Caller plugin, List<string> ids)
    {
        var (trace, at) = ($"trace-{_text}", DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture));
        var batch = new object[]
        {
            new
            {
                id = "e1",
                type = "trace-create",
                timestamp = at,
                body = new { id = trace, sessionId = $"session-{_text}", userId = _name },
            },
            new
            {
                id = "e2",
                type = "generation-create",
                timestamp = at,
                body = new { id = $"g1-{_text}", traceId = trace, startTime = at, input = $"asks {_text}", output = $"answers {_text}" },
            },
            new
            {
                id = "e3",
                type = "generation-create",
                timestamp = at,
                body = new { id = $"g2-{_text}", traceId = trace, startTime = at, input = $"asks {_text} more" },
            },
        };
        var basic = Convert.ToBase64String(Encoding.ASCII.GetBytes($"pk:{plugin.Credential}"));
        var langfuse = new Caller(app.Http, "Authorization", $"Basic {basic}");
        Assert.Empty((await langfuse.Post("/api/public/ingestion", new { batch })).Is(207)["errors"].EnumerateArray());
        var events = new object[]
        {
            new
            {
                type = "thread",
                @event = "chat",
                runId = $"m1-{_text}",
                parentRunId = $"thread-{_text}",
                userId = _name,
                timestamp = at,
                message = new { role = "user", content = $"asks {_text}" },
            },
            new { type = "llm", @event = "start", runId = $"r1-{_text}", parentRunId = $"m1-{_text}", timestamp = at, input = _text },
            new { type = "llm", @event = "end", runId = $"r1-{_text}", timestamp = at, output = _text },
        };
        (await app.Stranger.WithToken(plugin.Credential!).Post("/v1/runs/ingest", new { events })).Is(200);
        var span = OtlpExports.Chat(
            OtlpExports.TraceId(), OtlpExports.SpanId(), DateTimeOffset.UtcNow, $"conversation-{_text}", [$"asks {_text}"], _text);
        Assert.Equal("{}", (await plugin.Post("/v1/traces", OtlpExports.Export(span))).Is(200).Body);
        await app.Execute(
            "update chats set external_user_id = @Name where org_id = @Id and external_id = @ExternalId",
            new { acme.Id, Name = _name, ExternalId = $"conversation-{_text}" });
        foreach (var conversation in new[] { "session", "thread", "conversation" })
        {
            ids.Add((await plugin.Get($"{acme.ApiPath}/chats?externalId={conversation}-{_text}")).Is(200)["items"][0]
                .GetProperty("id").GetString()!);
        }
    }

    private async Task<string> Export(Caller admin, string chat)
    {
        var asked = (await admin.Post(
            ExportFixture.Path, new { format = "jsonl", mode = "async", externalUserId = _name, q = _text })).Is(202).Text("id");
        await app.Until("select state = 'done' from exports where id = @Id::uuid", new { Id = asked });
        Assert.Contains(chat, (await admin.Get($"{ExportFixture.Path}/{asked}")).Is(200).Body, StringComparison.Ordinal);
        return asked;
    }

    private static Task<Answer> Keyed(Caller plugin, string path, object body, string key) => plugin.Send(
        HttpMethod.Post,
        path,
        Caller.Json(JsonSerializer.SerializeToUtf8Bytes(body)),
        request => request.Headers.Add("Idempotency-Key", key));

    /// <summary>What would tell of it: as it is, in hexadecimal digits, as an id in bytes, and its hash in both usual forms.</summary>
    private static IEnumerable<string> Forms(string what)
    {
        var bytes = Encoding.UTF8.GetBytes(what);
        yield return what;
        yield return Convert.ToHexStringLower(bytes);
        if (Guid.TryParse(what, out var id))
            yield return id.ToString("N");
        yield return Convert.ToHexStringLower(SHA256.HashData(bytes));
        yield return Convert.ToBase64String(SHA256.HashData(bytes)).TrimEnd('=');
    }

    /// <summary>The tables that have a row with one of these in any column, as text or as bytes.</summary>
    private async Task<string[]> Tables(IEnumerable<string> forms)
    {
        var tables = await app.Value<string[]>(
            """
            select array_agg(c.relname::text order by c.relname::text collate "C")
            from pg_class c
            where c.relkind in ('r', 'p')
              and c.relnamespace = 'public'::regnamespace
            """);
        var patterns = forms.Select(form => $"%{form.Replace("_", "\\_", StringComparison.Ordinal)}%").ToArray();
        var found = new List<string>();
        foreach (var table in tables!)
        {
            if (await app.Value<bool>(
                    $"select count(*) > 0 from \"{table}\" t where t::text ilike any(@Patterns)", new { Patterns = patterns }))
                found.Add(table);
        }
        return [.. found];
    }

    private string[] Files() => Directory.GetFiles(app.Exports, "*", SearchOption.AllDirectories);
}
