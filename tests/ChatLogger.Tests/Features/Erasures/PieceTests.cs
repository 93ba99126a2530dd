using System.Globalization;
using System.Text;
using ChatLogger.Features;
using ChatLogger.Tests.Features.Analytics;

namespace ChatLogger.Tests.Features.Erasures;

/// <summary>
/// Senders tell of a conversation in pieces, and later ones name nothing but the piece: what is gone takes all of them with it, and none
/// brings anything back.
/// </summary>
public class PieceTests(HaltedErasureApp app) : IClassFixture<HaltedErasureApp>
{
    private static readonly string At = DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture);

    public static readonly TheoryData<string> Ways = ["erasure", "deletion", "retention"];

    [Theory]
    [InlineData("M1", false)]
    [InlineData("TH", false)]
    [InlineData("M1", true)]
    public async Task A_run_within_what_is_gone_brings_nothing_back_by_its_own_id(string parent, bool atOnce)
    {
        var acme = await app.Org("acme");
        await Lunary(acme, Message("M1", "TH", "dave"));
        await Remove(acme, "erasure");
        object start = Start("RB", parent, "dave"), end = End("RB"), inner = Start("RC", "RB", null), innerEnd = End("RC");

        if (atOnce)
        {
            // The order within a request does not matter.
            await Lunary(acme, innerEnd, inner, end, start);
        }
        else
        {
            foreach (var one in new[] { start, end, inner, innerEnd })
                await Lunary(acme, one);
        }
        await Lunary(acme, end, innerEnd);

        await IsEmpty(acme);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Runs_within_messages_of_what_is_gone_leave_no_text(string way)
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        await Lunary(globex, Message("M1", "TH", "dave"), Start("RX", "M1", null));
        await Lunary(acme, Message("M1", "TH", "dave"));
        await Lunary(acme, Start("RX", "M1", null), End("RX"), Start("RY", "RX", "somebody"), End("RY"));
        await Lunary(acme, Message("M2", "TH2", "other"), Start("RZ", "M2", "other"));
        await Lunary(acme, Start("RW", null, "dave"));

        await Remove(acme, way, async () => await Lunary(acme, Start("RV", "M1", null), End("RV")), "TH", "RX", "RW");
        // What is within a run goes with it, whatever user it names.
        Assert.Equal(
            ["M2", "RZ"],
            (await app.Value<string[]>(
                "select array_agg(id order by id) from integration_events where org_id = @Id", new { acme.Id }))!);
        Assert.Equal(2, await globex.Count("integration_events"));
    }

    [Fact]
    public async Task A_piece_that_was_stored_while_its_conversation_was_removed_is_removed_before_the_erasure_is_done()
    {
        var acme = await app.Org("acme");
        await Lunary(acme, Message("M1", "TH", "dave"));
        await (await acme.Admin()).Erase("dave");
        await app.Job<PurgeChats>().Run(CancellationToken.None);
        await app.Execute(
            """
            insert into integration_events (org_id, source, id, body, updated_at)
            values (@Id, 'lunary-run', 'RX', '{"parent":"M1","input":"asks"}', now())
            """,
            new { acme.Id });

        await Remove(acme, "erasure");

        await IsEmpty(acme);
    }

    [Theory]
    [InlineData("deletion", false)]
    [InlineData("deletion", true)]
    [InlineData("erasure", true)]
    [InlineData("update during the erasure", true)]
    public async Task A_pending_generation_of_what_is_gone_brings_nothing_back_by_its_own_id(string way, bool purge)
    {
        var acme = await app.Org("acme");
        await Langfuse(
            acme,
            Event("trace-create", new { id = "T1", sessionId = "S1", userId = "dave" }),
            Event("generation-create", new { id = "G1", traceId = "T1", startTime = At, input = "asks" }));
        Assert.Equal(1, await acme.Count("chats"));

        var update = Event("generation-update", new { id = "G1", output = "answers" });
        if (way == "update during the erasure")
            await Remove(acme, "erasure", () => Langfuse(acme, update));
        else if (purge)
            await Remove(acme, way);
        else
            await Delete(acme);
        for (var times = 0; times < 3; times++)
            await Langfuse(acme, update);

        await app.Job<PurgeChats>().Run(CancellationToken.None);
        await IsEmpty(acme);
    }

    [Fact]
    public async Task A_generation_of_a_gone_trace_brings_nothing_back_by_its_own_id()
    {
        var acme = await app.Org("acme");
        await Langfuse(
            acme,
            Event("trace-create", new { id = "T1", userId = "dave" }),
            Event("generation-create", new { id = "G1", traceId = "T1", startTime = At, input = "asks", output = "answers" }));
        await Remove(acme, "erasure");

        await Langfuse(acme, Event("generation-create", new { id = "G2", traceId = "T1", startTime = At, input = "asks" }));
        await Langfuse(acme, Event("generation-update", new { id = "G2", output = "answers" }));
        await Langfuse(acme, Event("generation-update", new { id = "G1", output = "answers" }));

        await IsEmpty(acme);
    }

    private static async Task IsEmpty(Org org) => Assert.Equal(
        (0, 0, 0), (await org.Count("chats"), await org.Count("messages"), await org.Count("integration_events")));

    private static async Task Delete(Org org, params string[] externalIds)
    {
        var admin = await org.Admin();
        foreach (var chat in (await admin.Get("/orgs/me/chats")).Is(200)["items"].EnumerateArray())
        {
            if (externalIds.Length == 0 || externalIds.Contains(chat.GetProperty("externalId").GetString()))
                (await admin.Delete($"/orgs/me/chats/{chat.GetProperty("id").GetString()}")).Is(204);
        }
    }

    // What dave said, or the chats with these ids.
    private async Task Remove(Org org, string way, Func<Task>? meanwhile = null, params string[] externalIds)
    {
        var admin = await org.Admin();
        switch (way)
        {
            case "erasure":
                await admin.Erase("dave");
                break;
            case "deletion":
                await Delete(org, externalIds);
                break;
            default:
                await app.FoldAll(org);
                (await admin.Patch("/orgs/me", new { settings = new { retentionDays = 1 } })).Is(200);
                await app.Execute(
                    """
                    update chat_sums s
                    set created_at = now() - interval '2 days',
                        last_at = now() - interval '2 days'
                    from chats c
                    where s.org_id = @Id
                      and c.org_id = s.org_id
                      and c.id = s.chat_id
                      and (cardinality(@Only::text[]) = 0 or c.external_id = any(@Only))
                    """,
                    new { org.Id, Only = externalIds });
                await app.Job<ExpireChats>().Run(CancellationToken.None);
                break;
        }
        if (meanwhile is not null)
            await meanwhile();
        await app.Job<PurgeChats>().Run(CancellationToken.None);
        if (way != "erasure")
            return;
        await Wait.Until(
            async () =>
            {
                await app.Job<EraseChats>().Run(CancellationToken.None);
                return await app.Value<bool>(
                    "select not exists (select from erasures where org_id = @Id and state <> 'done')", new { org.Id });
            },
            "the erasure is done");
    }

    private static object Message(string id, string thread, string user) => new
    {
        type = "thread",
        @event = "chat",
        runId = id,
        parentRunId = thread,
        userId = user,
        timestamp = At,
        message = new { role = "user", content = "asks" },
    };

    private static object Start(string id, string? parent, string? user) => new
    {
        type = "llm",
        @event = "start",
        runId = id,
        parentRunId = parent,
        userId = user,
        input = "asks",
        timestamp = At,
    };

    private static object End(string id) => new { type = "llm", @event = "end", runId = id, output = "answers", timestamp = At };

    private static object Event(string type, object body) => new { id = Guid.NewGuid(), type, timestamp = At, body };

    private async Task Langfuse(Org org, params object[] batch)
    {
        var basic = Convert.ToBase64String(Encoding.ASCII.GetBytes($"pk:{await org.Key("ingest")}"));
        var answer = (await new Caller(app.Http, "Authorization", $"Basic {basic}").Post("/api/public/ingestion", new { batch })).Is(207);
        Assert.Empty(answer["errors"].EnumerateArray());
    }

    private async Task Lunary(Org org, params object[] events)
    {
        var answer = (await app.Stranger.WithToken(await org.Key("ingest")).Post("/v1/runs/ingest", new { events })).Is(200);
        Assert.All(answer["results"].EnumerateArray(), result => Assert.True(result.GetProperty("success").GetBoolean()));
    }
}
