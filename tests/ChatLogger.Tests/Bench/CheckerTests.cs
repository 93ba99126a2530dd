using ChatLogger.Bench.Chaos;

namespace ChatLogger.Tests.Bench;

/// <summary>The checker finds each kind of violation.</summary>
public class CheckerTests
{
    private const string Chat = "chat-1";

    private long _moment;

    [Fact]
    public void A_row_acknowledged_once_and_stored_once_is_no_violation()
    {
        var (a, b, c) = (Acknowledged("a"), Acknowledged("b"), Acknowledged("c"));
        var chat = Acknowledged("d", Kind.Chat);

        Assert.Empty(Checker.Check([a, b, c, chat], [There(chat), There(a), There(b), There(c)]));
        Assert.Empty(Checker.Count([There(chat), There(a)], (1, 1)));
    }

    [Theory]
    [InlineData(nameof(Kind.Message))]
    [InlineData(nameof(Kind.Chat))]
    public void An_acknowledged_row_that_is_missing_is_lost(string kind)
    {
        var (a, b) = (Acknowledged("a"), Acknowledged("b", Enum.Parse<Kind>(kind)));

        Assert.Equal([(ViolationKind.Lost, "b was acknowledged as id-b and is not there")], Found([a, b], [There(a)]));
    }

    [Fact]
    public void A_row_stored_twice_is_a_violation()
    {
        var a = Acknowledged("a");

        Assert.Equal([(ViolationKind.Doubled, "a is there again as other")], Found([a], [There(a), There(a) with { Id = "other" }]));
    }

    [Fact]
    public void A_row_that_was_never_sent_is_a_violation()
    {
        var found = Found(
            [Acknowledged("a", Kind.Chat)],
            [
                new Row(Kind.Chat, "id-a", null, "a text"),
                new Row(Kind.Message, "x", Chat, "z text"),
                new Row(Kind.Message, "y", Chat, "a text"),
            ]);

        // The last has the token of a chat, so it is not a message of the drill.
        Assert.Equal([ViolationKind.Invented, ViolationKind.Invented], found.Select(finding => finding.Harm));
    }

    [Theory]
    [InlineData("a Text")]
    [InlineData("a text ")]
    [InlineData("b text")]
    [InlineData("")]
    public void A_row_with_another_text_is_a_violation(string text)
    {
        var a = Acknowledged("a");

        Assert.Equal([ViolationKind.Changed], Found([a], [There(a) with { Text = text }]).Select(finding => finding.Harm));
    }

    [Fact]
    public void A_message_in_another_chat_is_a_violation()
    {
        var a = Acknowledged("a");

        Assert.Equal(
            [(ViolationKind.Changed, "a was sent to chat chat-1 and is in chat-2")],
            Found([a], [There(a) with { ChatId = "chat-2" }]));
    }

    [Fact]
    public void A_row_with_another_id_than_the_acknowledged_one_is_a_violation()
    {
        var a = Acknowledged("a");

        Assert.Equal([ViolationKind.Renamed], Found([a], [There(a) with { Id = "other" }]).Select(finding => finding.Harm));
    }

    [Fact]
    public void A_refused_row_that_is_stored_is_a_violation()
    {
        var a = Message("a");
        (a.Sent, a.Answered, a.Status) = (1, 2, OperationStatus.Refused);

        Assert.Empty(Found([a], []));
        Assert.Equal([ViolationKind.Refused], Found([a], [There(a)]).Select(finding => finding.Harm));
    }

    [Fact]
    public void An_unanswered_write_may_exist_or_not()
    {
        var a = Message("a");
        a.Sent = 1;

        Assert.Empty(Found([a], []));
        Assert.Empty(Found([a], [There(a)]));
    }

    [Fact]
    public void A_row_acknowledged_before_another_was_sent_is_read_before_it()
    {
        var (a, b, c) = (Acknowledged("a"), Acknowledged("b"), Acknowledged("c"));

        Assert.Equal(
            [(ViolationKind.Reordered, "c is read before a, which was acknowledged before it was sent")],
            Found([a, b, c], [There(c), There(a), There(b)]));
        Assert.Equal([ViolationKind.Reordered], Found([a, b, c], [There(a), There(c), There(b)]).Select(finding => finding.Harm));
    }

    [Fact]
    public void Concurrent_writes_may_be_read_in_any_order()
    {
        // The first is open until the replay; the second is sent and acknowledged in between.
        var (a, b) = (Message("a"), Message("b"));
        (a.Sent, b.Sent, b.Answered, a.Answered) = (1, 2, 3, 4);
        foreach (var one in new[] { a, b })
            (one.Status, one.Id) = (OperationStatus.Acknowledged, $"id-{one.Token}");

        Assert.Empty(Found([a, b], [There(a), There(b)]));
        Assert.Empty(Found([a, b], [There(b), There(a)]));
    }

    [Fact]
    public void Each_chat_has_its_own_order()
    {
        var a = Acknowledged("a");
        var b = Acknowledged("b") with { ChatId = "chat-2" };

        Assert.Empty(Found([a, b], [There(b), There(a)]));
    }

    [Fact]
    public void A_wrong_count_is_named()
    {
        var finding = Assert.Single(Checker.Count([There(Acknowledged("a"))], (0, 2)));

        Assert.Equal(
            (ViolationKind.Miscounted, "analytics count 0 chats and 2 messages, and there are 0 and 1"),
            (finding.Kind, finding.Sentence));
    }

    [Fact]
    public void A_drill_in_which_hardly_anything_succeeded_proves_nothing()
    {
        var failed = Message("b");
        failed.WasUnknown = true;
        var report = new DrillReport([Acknowledged("a"), failed, failed], [], [], TimeSpan.Zero, 0, 0);

        Assert.False(report.Kept);
        Assert.True((report with { Operations = [Acknowledged("a"), failed] }).Kept);
        Assert.False((report with { Operations = [Acknowledged("a")], Findings = [new(ViolationKind.Lost, "")] }).Kept);
    }

    private Operation Acknowledged(string token, Kind kind = Kind.Message)
    {
        var operation = Message(token) with { Kind = kind, ChatId = kind == Kind.Chat ? null : Chat };
        (operation.Sent, operation.Answered, operation.Status, operation.Id) = (
            ++_moment,
            ++_moment,
            OperationStatus.Acknowledged,
            $"id-{token}");
        return operation;
    }

    private static Operation Message(string token) => new(token, Kind.Message, Chat, token, $"{token} text");

    private static Row There(Operation operation) =>
        new(operation.Kind, operation.Id.Length > 0 ? operation.Id : $"id-{operation.Token}", operation.ChatId, operation.Text);

    private static IEnumerable<(ViolationKind Harm, string Sentence)> Found(Operation[] sent, Row[] read) =>
        Checker.Check(sent, read).Select(finding => (finding.Kind, finding.Sentence));
}
