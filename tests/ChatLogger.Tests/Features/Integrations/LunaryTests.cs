using System.Text.Json;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Integrations;

/// <summary>Events of Lunary's SDKs become messages and ratings.</summary>
public class LunaryTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly long Now = DateTimeOffset.UtcNow.AddMinutes(-30).ToUnixTimeMilliseconds();

    [Fact]
    public async Task Messages_of_a_thread_are_stored_once_and_may_say_the_same()
    {
        var acme = await app.Org("acme");
        object[] events =
        [
            Message("r-1", "thread-1", 0, "user", "yes"), Message("r-2", "thread-1", 1, "assistant", "hello"),
            Message("r-3", "thread-1", 2, "user", "yes"), Message("r-4", "thread-1", 3, "assistant", "hello"),
        ];

        await Send(acme, events);
        await Send(acme, events);

        Assert.Equal(
            ["user: yes", "assistant: hello", "user: yes", "assistant: hello"],
            ReceiveTracesTests.Said(await ReceiveTracesTests.Messages(acme, "thread-1")));
        var chat = (await (await acme.Admin()).Get("/orgs/me/chats")).Is(200)["items"][0];
        Assert.Equal(("v-17", "web"), (chat.GetProperty("externalUserId").GetString(), chat.GetProperty("tags")[0].GetString()));
    }

    [Fact]
    public async Task Feedback_that_names_a_run_alone_finds_its_message()
    {
        var acme = await app.Org("acme");
        await Send(acme, Message("r-1", "thread-1", 0, "user", "q"), Message("r-2", "thread-1", 1, "assistant", "a"));

        await Send(acme, new { @event = "feedback", runId = "r-2", timestamp = Now, feedback = new { thumb = "down", comment = "no" } });
        var answer = await Post(acme, new { @event = "feedback", runId = "nobody", timestamp = Now, feedback = new { thumb = "up" } });

        Assert.False(answer.Is(200)["results"][0].GetProperty("success").GetBoolean());
        var rated = (await ReceiveTracesTests.Messages(acme, "thread-1"))[1].GetProperty("feedback");
        Assert.Equal(("down", "no"), (rated.GetProperty("rating").GetString(), rated.GetProperty("comment").GetString()));
        Assert.Equal(1, await acme.Count("feedback"));
    }

    [Fact]
    public async Task Calls_of_models_are_put_together_and_those_behind_a_message_are_not_doubled()
    {
        var acme = await app.Org("acme");
        await Send(acme, new
        {
            type = "llm",
            @event = "start",
            runId = "c-1",
            name = "m-1",
            timestamp = Now,
            input = new[] { new { role = "user", content = "q" } },
        });
        await Send(acme, new
        {
            type = "llm",
            @event = "end",
            runId = "c-1",
            timestamp = Now + 840,
            output = new { role = "assistant", content = "a" },
            tokensUsage = new { prompt = 11, completion = 22 },
        });
        await Send(
            acme,
            Message("r-1", "thread-1", 0, "user", "q"),
            new { type = "llm", @event = "start", runId = "c-2", parentRunId = "r-1", timestamp = Now, input = "q" },
            new { type = "llm", @event = "end", runId = "c-2", parentRunId = "r-1", timestamp = Now, output = "a" },
            new { type = "tool", @event = "start", runId = "c-3", timestamp = Now });

        var messages = await ReceiveTracesTests.Messages(acme, "c-1");
        Assert.Equal(["user: q", "assistant: a"], ReceiveTracesTests.Said(messages));
        Assert.Equal([11, 22, 840], Array.ConvertAll(
            ["promptTokens", "completionTokens", "latencyMs"], name => messages[1].GetProperty(name).GetInt32()));
        Assert.Equal((2, 3), (await acme.Count("chats"), await acme.Count("messages")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_call_within_chains_within_a_message_is_not_doubled(bool isOneRequest)
    {
        var acme = await app.Org("acme");
        object[] events =
        [
            Message("r-1", "thread-1", 0, "user", "q"),
            new { type = "agent", @event = "start", runId = "a-1", parentRunId = "r-1", timestamp = Now, input = "q" },
            new { type = "chain", @event = "start", runId = "a-2", parentRunId = "a-1", timestamp = Now, input = "q" },
            new { type = "llm", @event = "start", runId = "c-1", parentRunId = "a-2", timestamp = Now, input = "q" },
            new { type = "llm", @event = "end", runId = "c-1", timestamp = Now, output = "a" },
            new { type = "chain", @event = "end", runId = "a-2", timestamp = Now, output = "a" },
            // Chains of no message, and one that is within itself.
            new { type = "chain", @event = "start", runId = "b-1", timestamp = Now, input = "other" },
            new { type = "chain", @event = "start", runId = "b-2", parentRunId = "b-2", timestamp = Now, input = "other" },
            new { type = "llm", @event = "start", runId = "c-2", parentRunId = "b-2", timestamp = Now, input = "other" },
            new { type = "llm", @event = "end", runId = "c-2", parentRunId = "b-2", timestamp = Now, output = "answer" },
        ];
        foreach (var request in isOneRequest ? [events] : events.Chunk(1))
            await Send(acme, request);

        Assert.Equal(["user: q"], ReceiveTracesTests.Said(await ReceiveTracesTests.Messages(acme, "thread-1")));
        Assert.Equal(["user: other", "assistant: answer"], ReceiveTracesTests.Said(await ReceiveTracesTests.Messages(acme, "b-2")));
        Assert.Equal((2, 3), (await acme.Count("chats"), await acme.Count("messages")));
        // What was said within the message is kept nowhere else.
        Assert.Equal("c-2", await app.Value<string>(
            "select string_agg(id, ' ') from integration_events where org_id = @Id and body::text like '%input%'", new { acme.Id }));
    }

    [Fact]
    public async Task Each_event_has_a_result_of_its_own()
    {
        var acme = await app.Org("acme");

        var answer = (await Post(
            acme,
            Message("r-1", "thread-1", 0, "user", "q"),
            new { @event = "chat", message = new { role = "user", content = "without a run" } },
            Message("r-2", "thread-2", -400_000_000, "user", "old"))).Is(200);

        Assert.Equal([true, false, false], answer["results"].EnumerateArray().Select(each => each.GetProperty("success").GetBoolean()));
        Assert.Equal(JsonValueKind.Null, answer["results"][0].GetProperty("error").ValueKind);
        Assert.Contains("72 hours", answer["results"][2].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, await acme.Count("chats"));
        Assert.NotEmpty((await app.Stranger.Post("/v1/runs/ingest", "{}")).Is(401).Text("message"));
    }

    private static object Message(string run, string thread, long after, string role, string content) => new
    {
        @event = "chat",
        type = "thread",
        runId = run,
        parentRunId = thread,
        userId = "v-17",
        threadTags = new[] { "web" },
        timestamp = Now + after,
        message = new { role, content },
    };

    internal static async Task Send(Org org, params object[] events)
    {
        var results = (await Post(org, events)).Is(200)["results"];
        Assert.All(results.EnumerateArray(), result => Assert.True(result.GetProperty("success").GetBoolean(), results.GetRawText()));
    }

    private static async Task<Answer> Post(Org org, params object[] events) =>
        await org.App.Stranger.WithToken(await org.Key()).Post("/v1/runs/ingest", new { events });
}
