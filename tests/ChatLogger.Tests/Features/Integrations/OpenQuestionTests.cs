using System.Text.Json.Nodes;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Integrations;

/// <summary>Questions that come before their answers, while others speak: each is there once.</summary>
public class OpenQuestionTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UtcNow.AddMinutes(-30);

    private readonly string _trace = Guid.NewGuid().ToString();

    public static TheoryData<string, string> Conversations => new()
    {
        // A question and its number; an answer and the number of its question; a turn that comes whole.
        { "q0? q1? q0! q1! q0? q0!", "q0 q1 q0! q1!" },
        { "q0? q1? q1! q0!", "q0 q1 q1! q0!" },
        // The same is asked again.
        { "q0? q0! q0'? q0'!", "q0 q0! q0 q0'!" },
        { "q0? q0! q1? q1! q0'? q0'!", "q0 q0! q1 q1! q0 q0'!" },
        { "q0? q1? q2? q2! q1! q0!", "q0 q1 q2 q2! q1! q0!" },
        // The answer comes first.
        { "q0! q0?", "q0! q0" },
        { "q0! q0? q0! q0?", "q0! q0" },
    };

    [Theory]
    [MemberData(nameof(Conversations))]
    public async Task A_question_is_there_once_whatever_is_said_before_its_answer(string pieces, string stored)
    {
        var (langfuse, lunary) = (await Named(), await app.Org("globex"));
        foreach (var piece in pieces.Split(' '))
        {
            var (id, text) = (piece[..^1], piece[..2]);
            var isAnswer = piece.EndsWith('!');
            await LangfuseTests.Send(langfuse, isAnswer ? Answer(id, $"{id}!") : Question(id, Said("user", text)));
            var at = Start.ToUnixTimeMilliseconds();
            object run = isAnswer
                ? new { type = "llm", @event = "end", runId = id, parentRunId = "s", timestamp = at, output = $"{id}!" }
                : new { type = "llm", @event = "start", runId = id, parentRunId = "s", timestamp = at, input = text };
            await LunaryTests.Send(lunary, run);
        }

        Assert.Equal(stored, await Stored(langfuse));
        Assert.Equal(stored, await Stored(lunary));
    }

    [Fact]
    public async Task An_answer_that_somebody_gave_before_is_given_again()
    {
        var acme = await Named();
        await LangfuseTests.Send(acme, Question("g0", Said("user", "q0"), Said("assistant", "ok"), Said("user", "q1")));
        await LangfuseTests.Send(acme, Answer("g0", "ok"));
        await LangfuseTests.Send(acme, Question("g1", Said("user", "q2")));
        await Delete(acme, at: 3);
        await LangfuseTests.Send(acme, Answer("g1", "ok"));

        Assert.Equal("q0 ok q1 q2 ok", await Stored(acme));
    }

    [Fact]
    public async Task A_turn_whose_answer_another_one_repeats_has_it_once()
    {
        var acme = await Named();
        await LangfuseTests.Send(acme, Question("g0", Said("user", "q0")));
        await LangfuseTests.Send(acme, Question("g1", Said("user", "q0"), Said("assistant", "a0"), Said("user", "q1")));
        await LangfuseTests.Send(acme, Answer("g0", "a0"));
        await LangfuseTests.Send(acme, Answer("g1", "a1"));

        Assert.Equal("q0 a0 q1 a1", await Stored(acme));
    }

    [Fact]
    public async Task A_question_in_another_form_is_the_same_and_one_in_other_words_is_not()
    {
        var acme = await Named();
        await LangfuseTests.Send(
            acme, LangfuseTests.Event("generation-create", new { id = "g0", traceId = _trace, startTime = Start, input = "q0" }));
        await LangfuseTests.Send(acme, Question("g1", Said("user", "q1")));
        await LangfuseTests.Send(acme, Question("g0", Said("system", "rules"), Said("user", "q0")), Answer("g0", "a0"));
        await LangfuseTests.Send(acme, Question("g1", Said("user", "q2")));

        Assert.Equal("q0 q1 a0 q2", await Stored(acme));
    }

    [Fact]
    public async Task A_conversation_that_is_named_after_the_question_has_the_whole_turn()
    {
        var acme = await app.Org("acme");
        await LangfuseTests.Send(acme, Question("g0", Said("user", "q0")));
        await LangfuseTests.Send(acme, Trace("s"));
        // An empty id says nothing.
        await LangfuseTests.Send(
            acme, LangfuseTests.Event("generation-update", new { id = "g0", traceId = "", endTime = Start, output = "a0" }));

        Assert.Equal("q0 a0", await Stored(acme));
    }

    [Fact]
    public async Task A_question_with_a_message_that_is_refused_is_there_once()
    {
        var acme = await Named();
        var question = Question("g0", Said("user", "q0"), Said("user", new string('x', 300_000)), Said("user", "q1"));
        for (var sent = 0; sent < 3; sent++)
            (await LangfuseTests.Post(acme, question)).Is(207);
        await LangfuseTests.Send(acme, Answer("g0", "a0"));

        Assert.Equal("q0 q1 a0", await Stored(acme));
    }

    [Fact]
    public async Task Ids_that_cannot_be_stored_and_empty_ones_are_no_error()
    {
        var acme = await app.Org("acme");
        await LangfuseTests.Send(acme, Trace(""));
        await LangfuseTests.Send(acme, Question("g0", Said("user", "q0")));
        foreach (var type in new[] { "span-create", "generation-create", "score-create" })
        {
            var odd = LangfuseTests.Event(type, new { id = $"{type}-1", traceId = "a\0b", name = "feedback", value = 1, input = "odd" });
            (await LangfuseTests.Post(acme, odd)).Is(207);
        }
        foreach (var type in new[] { "llm", "chain" })
        {
            var at = Start.ToUnixTimeMilliseconds();
            await LunaryTests.Send(
                acme, new { type, @event = "start", runId = $"{type}-1", parentRunId = "a\0b", timestamp = at, input = "odd" });
        }

        Assert.Equal("q0", await Stored(acme, _trace));
    }

    /// <summary>An organization whose trace is of the conversation "s".</summary>
    private async Task<Org> Named()
    {
        var acme = await app.Org("acme");
        await LangfuseTests.Send(acme, Trace("s"));
        return acme;
    }

    private JsonObject Trace(string session) => LangfuseTests.Event("trace-create", new { id = _trace, sessionId = session });

    private JsonObject Question(string id, params object[] input) =>
        LangfuseTests.Event("generation-create", new { id, traceId = _trace, startTime = Start, input });

    private JsonObject Answer(string id, string output) =>
        LangfuseTests.Event("generation-update", new { id, traceId = _trace, endTime = Start, output });

    private static object Said(string role, string content) => new { role, content };

    private static async Task<string> Stored(Org org, string conversation = "s") =>
        string.Join(' ', (await ReceiveTracesTests.Messages(org, conversation)).Select(each => each.GetProperty("content").GetString()));

    private static async Task Delete(Org org, int at)
    {
        var message = (await ReceiveTracesTests.Messages(org, "s"))[at];
        var path = $"/orgs/me/chats/{message.GetProperty("chatId").GetString()}/messages/{message.GetProperty("id").GetString()}";
        (await (await org.Admin()).Delete(path)).Is(204);
    }
}
