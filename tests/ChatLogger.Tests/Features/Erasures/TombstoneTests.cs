using System.Globalization;
using System.Text;
using System.Text.Json;
using ChatLogger.Features;
using ChatLogger.Tests.Features.Analytics;
using ChatLogger.Tests.Features.Integrations;

namespace ChatLogger.Tests.Features.Erasures;

/// <summary>What is gone does not come back: not by a retry, and not by a sender that repeats what was said.</summary>
public class TombstoneTests(HaltedErasureApp app) : IClassFixture<HaltedErasureApp>
{
    public static readonly TheoryData<string> Ways = ["erasure", "deletion", "retention"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_retry_is_refused_whichever_way_the_chat_went(string way)
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var plugin = app.Stranger.WithKey(await acme.Key("ingest", "read"));
        object named = new { externalId = "call-1", externalUserId = "v-17" };
        object keyed = new { title = "keyed", externalUserId = "v-17" };
        var items = new object[]
        {
            new { type = "chat", @ref = "c", idempotencyKey = "b1", externalUserId = "v-17" },
            new { type = "message", chatRef = "c", role = "user", content = "x" },
        };
        (await plugin.Post($"{acme.ApiPath}/chats", named)).Is(201);
        (await Keyed(plugin, $"{acme.ApiPath}/chats", keyed, "k1")).Is(201);
        (await plugin.Post($"{acme.ApiPath}/batch", new { items })).Is(207);
        if (way == "deletion")
        {
            // The sentence is the same before the purge as after it.
            await Delete(acme);
            Assert.Contains(
                ChatWriter.ConversationGone, (await Keyed(plugin, $"{acme.ApiPath}/chats", keyed, "k1")).Body, StringComparison.Ordinal);
        }

        await Remove(acme, way);

        Assert.Equal((0, 0), (await acme.Count("chats"), await acme.Count("idempotency_keys")));
        (await plugin.Post($"{acme.ApiPath}/chats", named)).IsProblem(404, "not-found");
        var gone = (await Keyed(plugin, $"{acme.ApiPath}/chats", keyed, "k1")).IsProblem(404, "not-found");
        Assert.Contains(ChatWriter.ConversationGone, gone.Body, StringComparison.Ordinal);
        // Another body, or a key beside the external id, is no way round.
        (await Keyed(plugin, $"{acme.ApiPath}/chats", named, "k2")).IsProblem(404, "not-found");
        var again = (await plugin.Post(
            $"{acme.ApiPath}/batch", new { items = items.Append(new { type = "chat", externalId = "call-1" }).ToArray() })).Is(207);
        Assert.Equal(
            [404, 404, 404], again["results"].EnumerateArray().Select(result => result.GetProperty("status").GetInt32()));
        Assert.Equal(0, await acme.Count("chats"));
        // The external id of a conversation says nothing about another organization, nor the key about another route.
        var elsewhere = app.Stranger.WithKey(await globex.Key("ingest"));
        (await elsewhere.Post($"{globex.ApiPath}/chats", named)).Is(201);
        (await Keyed(elsewhere, $"{globex.ApiPath}/chats", keyed, "k1")).Is(201);
        (await Keyed(plugin, $"{acme.ApiPath}/chats", keyed, "b1")).Is(201);

        // An Idempotency-Key is gone for as long as it would have been known.
        await app.Execute($"update tombstones set {App.Earlier("expires_at", "1 day")} where org_id = @Id", new { acme.Id });
        (await Keyed(plugin, $"{acme.ApiPath}/chats", keyed, "k1")).Is(201);
        (await plugin.Post($"{acme.ApiPath}/chats", named)).IsProblem(404, "not-found");
        await app.Execute($"update tombstones set {App.Earlier("expires_at", "29 days")} where org_id = @Id", new { acme.Id });
        (await plugin.Post($"{acme.ApiPath}/chats", named)).Is(201);
        await app.Job<ErasureCleanup>().Run(CancellationToken.None);
        Assert.Equal(0, await acme.Count("tombstones"));
    }

    [Fact]
    public async Task Traces_that_repeat_a_history_are_dropped()
    {
        var acme = await app.Org("acme");
        var plugin = app.Stranger.WithKey(await acme.Key("ingest", "read"));
        var at = DateTimeOffset.UtcNow;
        var first = OtlpExports.Chat(OtlpExports.TraceId(), OtlpExports.SpanId(), at, "session-1", ["asks"], "answers");
        (await plugin.Post("/v1/traces", OtlpExports.Export(first))).Is(200);
        var chat = (await plugin.Get($"{acme.ApiPath}/chats?externalId=session-1")).Is(200)["items"][0].GetProperty("id").GetString();
        await app.Execute("update chats set external_user_id = 'v-17' where org_id = @Id", new { acme.Id });

        await Remove(acme, "erasure");
        var second = OtlpExports.Chat(
            OtlpExports.TraceId(), OtlpExports.SpanId(), at, "session-1", ["asks", "asks more"], "answers again");
        var answer = (await plugin.Post("/v1/traces", OtlpExports.Export(first, second))).Is(200);

        Assert.NotNull(chat);
        Assert.Equal("{}", answer.Body);
        Assert.Equal((0, 0), (await acme.Count("chats"), await acme.Count("messages")));
        var metrics = (await app.Stranger.WithToken(Persona.OperatorToken).Get("/metrics")).Is(200).Body;
        Assert.Matches(@"(?m)^chatlogger_integrations_dropped_total\S* [1-9]", metrics);
    }

    [Theory]
    [InlineData("deletion", false)]
    [InlineData("deletion", true)]
    [InlineData("erasure", true)]
    public async Task A_later_span_of_a_trace_is_dropped_that_does_not_name_the_conversation(string way, bool purge)
    {
        var acme = await app.Org("acme");
        var plugin = app.Stranger.WithKey(await acme.Key("ingest", "read"));
        var (trace, at) = (OtlpExports.TraceId(), DateTimeOffset.UtcNow);
        var first = OtlpExports.Chat(trace, OtlpExports.SpanId(), at, "session-1", ["asks"], "answers");
        (await plugin.Post("/v1/traces", OtlpExports.Export(first))).Is(200);
        await app.Execute("update chats set external_user_id = 'v-17' where org_id = @Id", new { acme.Id });

        if (purge)
            await Remove(acme, way);
        else
            await Delete(acme);
        var later = OtlpExports.Span(
            trace, OtlpExports.SpanId(), at, ("gen_ai.operation.name", "chat"),
            ("gen_ai.input.messages", """[{"role":"user","parts":[{"type":"text","content":"asks more"}]}]"""));
        Assert.Equal("{}", (await plugin.Post("/v1/traces", OtlpExports.Export(later))).Is(200).Body);

        Assert.Empty(await (await acme.Admin()).Listed());
        // The same without a deletion is a conversation.
        later["traceId"] = OtlpExports.TraceId();
        (await plugin.Post("/v1/traces", OtlpExports.Export(later))).Is(200);
        Assert.Single(await (await acme.Admin()).Listed());
    }

    [Fact]
    public async Task Langfuse_and_Lunary_bring_nothing_back()
    {
        var acme = await app.Org("acme");
        var plugin = app.Stranger.WithKey(await acme.Key("ingest", "read"));
        var at = DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture);
        object trace = Langfuse("trace-create", at, new { id = "t-1", sessionId = "s-1", userId = "v-17" });
        object generation = Langfuse(
            "generation-create", at, new { id = "g-1", traceId = "t-1", startTime = at, input = "asks", output = "answers" });
        object late = Langfuse(
            "generation-create", at, new { id = "g-2", traceId = "t-1", startTime = at, input = "asks", output = "answers late" });
        object otherTrace = Langfuse("trace-create", at, new { id = "t-2", sessionId = "s-1", userId = "v-17" });
        object ofOtherTrace = Langfuse(
            "generation-create", at, new { id = "g-3", traceId = "t-2", startTime = at, input = "asks", output = "answers" });
        object start = new { type = "llm", @event = "start", runId = "r-1", userId = "v-17", input = "asks", timestamp = at };
        object end = new { type = "llm", @event = "end", runId = "r-1", output = "answers", timestamp = at };
        await Ingest(plugin, trace, generation);
        await Report(plugin, start);
        Assert.Equal(2, await acme.Count("chats"));

        await Remove(acme, "erasure");
        Assert.Equal(0, await acme.Count("integration_events"));
        await Ingest(plugin, trace, generation);
        await Ingest(plugin, late);
        // Another trace of the session, whose generation comes by itself.
        await Ingest(plugin, otherTrace);
        await Ingest(plugin, ofOtherTrace);
        await Report(plugin, end);

        Assert.Equal(
            (0, 0, 0), (await acme.Count("chats"), await acme.Count("messages"), await acme.Count("integration_events")));
    }

    private static async Task Delete(Org org)
    {
        var admin = await org.Admin();
        foreach (var chat in await admin.Listed())
            (await admin.Delete($"/orgs/me/chats/{chat}")).Is(204);
    }

    private async Task Remove(Org org, string way)
    {
        var admin = await org.Admin();
        switch (way)
        {
            case "erasure":
                await admin.Erase("v-17");
                await app.Job<EraseChats>().Run(CancellationToken.None);
                break;
            case "deletion":
                await Delete(org);
                break;
            default:
                await app.FoldAll(org);
                (await admin.Patch("/orgs/me", new { settings = new { retentionDays = 1 } })).Is(200);
                await app.Execute(
                    """
                    update chat_sums set created_at = now() - interval '2 days', last_at = now() - interval '2 days' where org_id = @Id
                    """,
                    new { org.Id });
                await app.Job<ExpireChats>().Run(CancellationToken.None);
                break;
        }
        await app.Job<PurgeChats>().Run(CancellationToken.None);
        if (way == "erasure")
        {
            await Wait.Until(
                async () =>
                {
                    await app.Job<EraseChats>().Run(CancellationToken.None);
                    return await app.Value<bool>(
                        "select not exists (select from erasures where org_id = @Id and state <> 'done')", new { org.Id });
                },
                "the erasure is done");
        }
    }

    private static object Langfuse(string type, string timestamp, object body) => new { id = Guid.NewGuid(), type, timestamp, body };

    private async Task Ingest(Caller plugin, params object[] batch)
    {
        var basic = Convert.ToBase64String(Encoding.ASCII.GetBytes($"pk:{plugin.Credential}"));
        var langfuse = new Caller(app.Http, "Authorization", $"Basic {basic}");
        var answer = (await langfuse.Post("/api/public/ingestion", new { batch })).Is(207);
        Assert.Empty(answer["errors"].EnumerateArray());
    }

    private async Task Report(Caller plugin, params object[] events)
    {
        var answer = (await app.Stranger.WithToken(plugin.Credential!).Post("/v1/runs/ingest", new { events })).Is(200);
        Assert.All(answer["results"].EnumerateArray(), result => Assert.True(result.GetProperty("success").GetBoolean()));
    }

    private static Task<Answer> Keyed(Caller plugin, string path, object body, string key) => plugin.Send(
        HttpMethod.Post,
        path,
        Caller.Json(JsonSerializer.SerializeToUtf8Bytes(body)),
        request => request.Headers.Add("Idempotency-Key", key));
}
