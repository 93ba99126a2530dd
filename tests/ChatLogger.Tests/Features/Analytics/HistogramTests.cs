using ChatLogger.Features;
using ChatLogger.Rollups;

namespace ChatLogger.Tests.Features.Analytics;

public class HistogramTests
{
    [Theory]
    [InlineData(1, 60)]
    [InlineData(2, 5_000)]
    [InlineData(3, 120_000)]
    [InlineData(4, 86_400_000)]
    public void Percentiles_are_by_nearest_rank_and_within_one_per_cent(int seed, int most)
    {
        var random = new Random(seed);
        for (var count = 1; count <= 2_000; count += count / 7 + 1)
        {
            var values = Enumerable.Range(0, count).Select(_ => (int)(most * Math.Pow(random.NextDouble(), 3))).Order().ToArray();
            // Merged from parts, some of which were removed again.
            var (all, gone) = (new Histogram(), new Histogram());
            foreach (var value in values)
                all.Add(value);
            gone.Add(values[^1] / 2);
            all.Merge(gone);
            all.Remove(gone);

            var latency = Summary.Latency.Of(all)!;
            Assert.Equal(count, latency.Count);
            Assert.Equal((long)Math.Round(values.Sum(value => (decimal)value) / count, MidpointRounding.AwayFromZero), latency.AvgMs);
            foreach (var (percent, actual) in new[] { (50, latency.P50Ms), (90, latency.P90Ms), (95, latency.P95Ms), (99, latency.P99Ms) })
            {
                var expected = values[(((count * percent) + 99) / 100) - 1];
                if (expected <= 400)
                    Assert.Equal(expected, actual);
                else
                    RollupAssertions.AreClose(expected, actual, $"The {percent}th percentile of {count}");
            }
        }
    }

    [Fact]
    public void Every_value_is_reproduced_within_one_per_cent()
    {
        for (long value = 0; value <= 86_400_000; value += 1 + (value / 997))
        {
            var latencies = new Histogram();
            latencies.Add((int)value);
            latencies.Add(86_400_000);
            latencies.Add(86_400_000);
            latencies.Add((int)value);
            latencies.Add((int)value);
            RollupAssertions.AreClose(value, Summary.Latency.Of(latencies)!.P50Ms, "The middle of five");
        }
    }
}
