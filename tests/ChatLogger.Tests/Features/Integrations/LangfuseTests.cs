using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Integrations;

/// <summary>Events of Langfuse's legacy ingestion become messages and ratings.</summary>
public class LangfuseTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UtcNow.AddMinutes(-30);

    [Fact]
    public async Task A_generation_in_pieces_over_several_requests_becomes_one_exchange()
    {
        var acme = await app.Org("acme");
        var (trace, generation) = (Id(), Id());

        await Send(acme, Event("trace-create", new { id = trace, sessionId = "s-1", userId = "v-17", tags = new[] { "web" } }));
        var begun = Event("generation-create", new
        {
            id = generation,
            traceId = trace,
            model = "m-1",
            startTime = Start,
            input = Said("user", "q"),
        });
        await Send(acme, begun);
        Assert.Equal(["user: q"], ReceiveTracesTests.Said(await ReceiveTracesTests.Messages(acme, "s-1")));
        var ended = Event("generation-update", new
        {
            id = generation,
            traceId = trace,
            endTime = Start.AddSeconds(2),
            output = new { role = "assistant", content = "a" },
            usage = new { input = 11, output = 22 },
        });
        await Send(acme, ended);
        // The SDK sends again what was not acknowledged.
        await Send(acme, begun, ended);

        var messages = await ReceiveTracesTests.Messages(acme, "s-1");
        Assert.Equal(["user: q", "assistant: a"], ReceiveTracesTests.Said(messages));
        Assert.Equal([11, 22, 2000], Array.ConvertAll(
            ["promptTokens", "completionTokens", "latencyMs"], name => messages[1].GetProperty(name).GetInt32()));
        var chat = (await (await acme.Admin()).Get("/orgs/me/chats")).Is(200)["items"][0];
        Assert.Equal(("v-17", "web"), (chat.GetProperty("externalUserId").GetString(), chat.GetProperty("tags")[0].GetString()));
        Assert.Equal(0, await app.Value<long>(
            "select count(*) from integration_events where org_id = @Id and body ?| array['input', 'output']", new { acme.Id }));
    }

    [Fact]
    public async Task A_complete_generation_is_known_by_its_id_alone()
    {
        var acme = await app.Org("acme");
        var (trace, generation) = (Id(), Id());
        await Send(
            acme,
            Event("trace-create", new { id = trace, sessionId = "s-1", userId = "v-17" }),
            Event("generation-create", new
            {
                id = generation,
                traceId = trace,
                startTime = Start,
                input = Said("user", "q"),
                output = "a",
            }));

        var update = Event("generation-update", new { id = generation, endTime = Start.AddSeconds(1), output = "a" });
        await Send(acme, update);
        await Send(acme, update);

        Assert.Equal(["user: q", "assistant: a"], ReceiveTracesTests.Said(await ReceiveTracesTests.Messages(acme, "s-1")));
        Assert.Equal(1, await acme.Count("chats"));
        Assert.Equal(0, await app.Value<long>(
            "select count(*) from integration_events where org_id = @Id and body ?| array['input', 'output']", new { acme.Id }));
    }

    [Fact]
    public async Task The_order_within_a_batch_does_not_matter()
    {
        var acme = await app.Org("acme");
        var (trace, generation) = (Id(), Id());

        await Send(
            acme,
            Event("score-create", new { traceId = trace, observationId = generation, name = "user-feedback", value = 0, comment = "no" }),
            Event("generation-update", new { id = generation, traceId = trace, output = "a", endTime = Start }),
            Event("generation-create", new { id = generation, traceId = trace, startTime = Start, input = Said("user", "q") }),
            Event("trace-create", new { id = trace, sessionId = "s-1" }));

        var messages = await ReceiveTracesTests.Messages(acme, "s-1");
        Assert.Equal(["user: q", "assistant: a"], ReceiveTracesTests.Said(messages));
        Assert.Equal("down", messages[1].GetProperty("feedback").GetProperty("rating").GetString());
        Assert.Equal("no", messages[1].GetProperty("feedback").GetProperty("comment").GetString());
    }

    [Fact]
    public async Task Scores_of_users_are_ratings_and_others_are_dropped()
    {
        var acme = await app.Org("acme");
        var (trace, generation) = (Id(), Id());
        await Send(acme, Generation(generation, trace, Start, "q"));

        await Send(acme, Event("score-create", new { id = Id(), traceId = trace, name = "accuracy", value = 0.93 }));
        Assert.Equal(0, await acme.Count("feedback"));
        await Send(acme, Event("score-create", new { id = Id(), traceId = trace, name = "ok", dataType = "BOOLEAN", value = 1 }));
        Assert.Equal(1, await acme.Count("feedback"));
        var unknown = Event("score-create", new { id = Id(), traceId = Id(), name = "feedback", value = 1 });
        var answer = await Post(acme, unknown);

        var error = Assert.Single(answer.Is(207)["errors"].EnumerateArray());
        Assert.Equal(unknown["id"]!.GetValue<string>(), error.GetProperty("id").GetString());
        Assert.Equal(404, error.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task Each_event_has_a_result_of_its_own_and_another_organization_sees_nothing()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var good = Generation(Id(), "t-1", Start, "q");
        var old = Generation(Id(), "t-2", Start.AddDays(-5), "q");
        var span = Event("span-create", new { id = Id(), traceId = "t-1" });

        var answer = (await Post(acme, good, old, span, new JsonObject { ["id"] = "x", ["type"] = "trace-create" })).Is(207);

        Assert.Equal([good["id"]!.GetValue<string>(), span["id"]!.GetValue<string>()],
            answer["successes"].EnumerateArray().Select(each => each.GetProperty("id").GetString()));
        Assert.Equal([403, 400], answer["errors"].EnumerateArray().Select(each => each.GetProperty("status").GetInt32()));
        Assert.Equal((1, 2, 0), (await acme.Count("chats"), await acme.Count("messages"), await globex.Count("chats")));
        // The same trace elsewhere is another.
        await Send(globex, Generation(Id(), "t-1", Start, "other"));
        Assert.Equal(["user: q", "assistant: a"], ReceiveTracesTests.Said(await ReceiveTracesTests.Messages(acme, "t-1")));
    }

    [Fact]
    public async Task A_time_that_is_no_number_of_this_world_is_none()
    {
        var acme = await app.Org("acme");
        await Send(acme, Generation(Id(), "t-1", Start, "q"));
        var score = Event("score-create", new { id = Id(), traceId = "t-1", name = "feedback", value = 1 });
        score["timestamp"] = JsonNode.Parse("1e999");

        await Send(acme, score).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal(1, await acme.Count("feedback"));
    }

    [Fact]
    public async Task Errors_have_a_message_and_health_needs_no_key()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();

        foreach (var body in new[] { "{", "[]", "{}", """{"batch":1}""" })
            Assert.NotEmpty((await plugin.Post("/api/public/ingestion", body)).Is(400).Text("message"));
        Assert.Contains(
            "password of Authorization: Basic",
            (await app.Stranger.Post("/api/public/ingestion", "{}")).Is(401).Text("message"),
            StringComparison.Ordinal);
        (await plugin.Post("/api/public/ingestion", new string(' ', 3_600_000) + "{}")).Is(413);
        Assert.Equal("OK", (await app.Stranger.Get("/api/public/health")).Is(200).Text("status"));
    }

    private static string Id() => Guid.NewGuid().ToString();

    private static object[] Said(string role, string content) => [new { role, content }];

    private static JsonObject Generation(string id, string traceId, DateTimeOffset startTime, string input) =>
        Event("generation-create", new { id, traceId, startTime, input, output = "a" });

    internal static JsonObject Event(string type, object body) => new()
    {
        ["id"] = Id(),
        ["type"] = type,
        ["timestamp"] = DateTimeOffset.UtcNow.ToString("O", null),
        ["body"] = JsonSerializer.SerializeToNode(body),
    };

    internal static async Task Send(Org org, params JsonObject[] events)
    {
        var answer = (await Post(org, events)).Is(207);
        Assert.True(answer["errors"].GetArrayLength() == 0, answer.Body);
        Assert.Equal(events.Length, answer["successes"].GetArrayLength());
    }

    // As the SDKs send it: with Basic.
    internal static async Task<Answer> Post(Org org, params JsonObject[] events)
    {
        var batch = new JsonArray([.. events.Select(each => each.DeepClone())]);
        var body = new JsonObject { ["batch"] = batch, ["metadata"] = new JsonObject() };
        var basic = Convert.ToBase64String(Encoding.UTF8.GetBytes($"pk-lf-1:{await org.Key()}"));
        return await org.App.Stranger.Send(
            HttpMethod.Post, "/api/public/ingestion", Caller.Json(Encoding.UTF8.GetBytes(body.ToJsonString())),
            request => request.Headers.TryAddWithoutValidation("Authorization", $"Basic {basic}"));
    }
}
