using ChatLogger.Features;

namespace ChatLogger.Tests.Features.Integrations;

/// <summary>What an exchange adds to a conversation that is long.</summary>
public class HistoryTests
{
    [Fact]
    public void A_long_exchange_is_compared_with_the_end_of_a_long_conversation_in_bounded_memory()
    {
        // What was said twice stands between other messages, so that no common beginning or end makes the comparison short.
        List<KnownMessage> known = [.. Enumerable.Range(0, 10_000).Select(at => Known(at == 9_500 ? "twice" : $"known {at}"))];
        List<SaidMessage> said =
            [.. Enumerable.Range(0, 10_000).Select(at => at == 6_000 ? Said("twice") : Said($"said {at}", "assistant"))];
        var before = GC.GetAllocatedBytesForCurrentThread();

        var missing = History.Missing(known, said, "exchange");

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 32 * 1_048_576);
        Assert.Equal(Enumerable.Range(6_001, 3_999), missing);
    }

    [Fact]
    public void What_stands_before_the_last_thousand_messages_is_not_known()
    {
        List<KnownMessage> known = [.. Enumerable.Range(0, 2_000).Select(at => Known($"known {at}"))];

        Assert.Equal([1, 2], History.Missing(known, [Said("known 1000"), Said("a", "assistant"), Said("b")], "exchange"));
        Assert.Equal([0, 1, 2], History.Missing(known, [Said("known 999"), Said("a", "assistant"), Said("b")], "exchange"));
    }

    private static KnownMessage Known(string text) => new(Guid.NewGuid(), "user", Print("user", text), null, null);

    private static SaidMessage Said(string text, string role = "user") => new(role, Print("user", text), false);

    private static Fingerprint Print(string role, string text) => Fingerprint.Of(role, text, null, null, null);
}
