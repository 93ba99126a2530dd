namespace ChatLogger.Tests.Support;

public class WaitTests
{
    [Fact]
    public async Task Waiting_ends_with_the_event_and_has_the_outcome_of_what_was_waited_for()
    {
        var asked = 0;
        await Wait.Until(() => ++asked == 3);
        Assert.Equal(3, asked);

        Assert.Equal("done", await Wait.For(Task.Run(() => "done")));
        await Assert.ThrowsAsync<IOException>(() => Wait.For(Task.FromException<string>(new IOException())));
    }

    [Fact]
    public async Task A_time_limit_is_never_shortened_and_exceeding_it_fails()
    {
        using var kept = LoadAwareStopwatch.Start();
        Assert.InRange(kept.Slowness, 1, double.MaxValue);
        await kept.Within(60);

        using var missed = LoadAwareStopwatch.Start();
        await Task.Delay(20);
        await Assert.ThrowsAsync<Xunit.Sdk.TrueException>(() => missed.Within(0.000_001));
    }
}
