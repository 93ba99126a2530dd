using ChatLogger.Bench;

namespace ChatLogger.Tests.Bench;

public class LatencyRecorderTests
{
    [Theory]
    [InlineData(50, 50)]
    [InlineData(99, 99)]
    [InlineData(100, 100)]
    [InlineData(0.5, 1)]
    public void Percentiles_are_nearest_rank(double percent, int milliseconds)
    {
        var latencies = new LatencyRecorder();
        foreach (var value in Enumerable.Range(1, 100).Reverse())
            latencies.Add(TimeSpan.FromMilliseconds(value));

        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), latencies.Percentile(percent));
    }

    [Fact]
    public void Three_digits_are_kept_of_any_duration()
    {
        var latencies = new LatencyRecorder();
        latencies.Add(TimeSpan.FromMicroseconds(1_234_567));

        Assert.Equal(TimeSpan.FromMicroseconds(1_230_000), latencies.Percentile(50));
    }
}
