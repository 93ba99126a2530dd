namespace ChatLogger.Tests.Features.Integrations;

// Senders that repeat what was said before, wholly, in part, out of order, or to several instances at once.
public partial class ReceiveTracesTests
{
    [Fact]
    public async Task Five_turns_that_repeat_the_whole_history_are_ten_messages_in_order()
    {
        var acme = await app.Org("acme");
        List<string> history = [];
        for (var turn = 1; turn <= 5; turn++)
        {
            history.Add($"question {turn}");
            var span = Chat(Start.AddMinutes(turn), "s", [.. history], $"answer {turn}");
            (await Send(acme, span)).Is(200);
            (await Send(acme, span)).Is(200);
            history.Add($"answer {turn}");
        }

        Assert.Equal(history, (await Messages(acme, "s")).Select(Content));
    }

    [Fact]
    public async Task A_sliding_window_of_the_last_three_messages_adds_only_what_is_new()
    {
        var acme = await app.Org("acme");
        List<string> history = [];
        for (var turn = 1; turn <= 6; turn++)
        {
            // The user says the same twice.
            history.Add(turn % 2 == 0 ? "yes" : $"question {turn}");
            string[] window = [.. history.TakeLast(3)];
            (await Send(acme, Chat(Start.AddMinutes(turn), "s", window, $"answer {turn}")))
                .Is(200);
            history.Add($"answer {turn}");
        }

        Assert.Equal(history, (await Messages(acme, "s")).Select(Content));
    }

    [Fact]
    public async Task A_window_that_repeats_equal_turns_still_adds_each()
    {
        var acme = await app.Org("acme");
        List<string> history = [];
        for (var turn = 1; turn <= 5; turn++)
        {
            history.Add("hi");
            var span = Chat(Start.AddMinutes(turn), "s", [.. history.TakeLast(3)], "hello");
            (await Send(acme, span)).Is(200);
            (await Send(acme, span)).Is(200);
            history.Add("hello");
        }

        Assert.Equal(history, (await Messages(acme, "s")).Select(Content));
    }

    [Fact]
    public async Task A_sender_that_repeats_nothing_may_hear_the_same_twice()
    {
        var acme = await app.Org("acme");
        for (var turn = 0; turn < 3; turn++)
            (await Send(acme, Chat(Start.AddMinutes(turn), "s", ["hi"], "hello"))).Is(200);

        Assert.Equal(6, (await Messages(acme, "s")).Length);
    }

    [Fact]
    public async Task Turns_that_arrive_in_one_export_and_in_the_wrong_order_are_stored_in_order()
    {
        var acme = await app.Org("acme");
        var first = Chat(Start, "s", ["q1"], "a1");
        var second = Chat(Start.AddMinutes(1), "s", ["q1", "a1", "q2"], "a2");
        var third = Chat(Start.AddMinutes(2), "s", ["q1", "a1", "q2", "a2", "q3"], "a3");

        (await Send(acme, third, first)).Is(200);
        (await Send(acme, second)).Is(200);

        Assert.Equal(["q1", "a1", "q2", "a2", "q3", "a3"], (await Messages(acme, "s")).Select(Content));
    }

    [Fact]
    public async Task Parallel_exports_of_one_conversation_to_two_instances_add_each_message_once()
    {
        var other = await app.AnotherInstance();
        var acme = await app.Org("acme");
        try
        {
            var key = await acme.Key();
            for (var round = 0; round < 5; round++)
            {
                var session = $"s-{round}";
                List<string> history = [];
                var exports = new List<string>();
                for (var turn = 1; turn <= 4; turn++)
                {
                    history.Add($"question {turn}");
                    exports.Add(OtlpExports.Export(Chat(
                        Start.AddMinutes(turn), session, [.. history], $"answer {turn}")));
                    history.Add($"answer {turn}");
                }
                // Each export goes to both, and all at once.
                var answers = await Task.WhenAll(exports.SelectMany(export => new[] { app.Stranger, other.Stranger }.Select(caller =>
                    caller.WithKey(key).Post("/v1/traces", export))));

                Assert.All(answers, answer => answer.Is(200));
                Assert.Equal(history, (await Messages(acme, session)).Select(Content));
            }
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task Turns_that_two_instances_receive_at_once_stay_whole()
    {
        var other = await app.AnotherInstance();
        var acme = await app.Org("acme");
        try
        {
            var key = await acme.Key();
            var turns = Enumerable.Range(1, 12).Select(turn => (Question: $"question {turn}", Answer: $"answer {turn}")).ToList();
            // Nothing is repeated, so each is a turn of its own, and all want the same place in the conversation.
            var answers = await Task.WhenAll(turns.Select((turn, at) => (at % 2 == 0 ? app : other).Stranger.WithKey(key)
                .Post("/v1/traces", OtlpExports.Export(Chat(Start, "s-1", [turn.Question], turn.Answer)))));

            Assert.All(answers, answer => answer.Is(200));
            var stored = (await Messages(acme, "s-1")).Select(Content).ToList();
            Assert.Equal(2 * turns.Count, stored.Count);
            Assert.All(turns, turn => Assert.Equal(stored.IndexOf(turn.Question) + 1, stored.IndexOf(turn.Answer)));
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task A_history_does_not_bring_back_a_message_that_was_deleted()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        (await Send(acme, Chat(Start, "s", ["q1"], "a1"))).Is(200);
        (await Send(acme, Chat(Start, "s", ["q1", "a1", "q2"], "a2"))).Is(200);
        var messages = await Messages(acme, "s");
        foreach (var gone in new[] { messages[1], messages[3] })
        {
            var chat = $"/orgs/me/chats/{gone.GetProperty("chatId").GetString()}";
            (await admin.Delete($"{chat}/messages/{gone.GetProperty("id").GetString()}")).Is(204);
        }

        (await Send(acme, Chat(Start, "s", ["q1", "a1", "q2", "a2", "q3"], "a3"))).Is(200);

        Assert.Equal(["q1", "q2", "q3", "a3"], (await Messages(acme, "s")).Select(Content));
    }

    [Fact]
    public async Task A_history_with_messages_that_a_plugin_wrote_meanwhile_does_not_double_them()
    {
        var acme = await app.Org("acme");
        (await Send(acme, Chat(Start, "s", ["q1"], "a1"))).Is(200);
        var chat = (await Messages(acme, "s"))[0].GetProperty("chatId").GetString()!;
        await acme.Say(chat, "aside");
        await acme.Say(chat, "noted", "assistant");

        (await Send(acme, Chat(Start.AddMinutes(1), "s", ["q1", "a1", "aside", "noted", "q2"], "a2"))).Is(200);

        Assert.Equal(["q1", "a1", "aside", "noted", "q2", "a2"], (await Messages(acme, "s")).Select(Content));
    }
}
