using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Contracts;

/// <summary>The service with low limits.</summary>
public class ShortTimeoutApp : ProxiedApp
{
    private protected override IEnumerable<KeyValuePair<string, string?>> Set =>
        [
            new("RateLimits:Ingest:PerSecond", "1"),
            new("RateLimits:Ingest:Burst", "5"),
            new("RateLimits:Members:PerSecond", "1"),
            new("RateLimits:Members:Burst", "40"),
            new("RateLimits:Analytics:PerMinute", "6"),
            new("RateLimits:Widget:PerMinute", "3"),
            new("RateLimits:TakenAddresses:PerMinute", "6"),
        ];
}

/// <summary>The service with the lowest rate limits, all disabled.</summary>
public class NoRateLimitApp : App
{
    protected override void Customize(Microsoft.AspNetCore.Builder.WebApplicationBuilder builder) =>
        Microsoft.Extensions.Configuration.MemoryConfigurationBuilderExtensions.AddInMemoryCollection(
            builder.Configuration,
            [
                new("RateLimits:Enabled", "false"),
                new("RateLimits:Ingest:PerSecond", "1"),
                new("RateLimits:Ingest:Burst", "1"),
                new("RateLimits:Members:Burst", "1"),
                new("RateLimits:Members:PerSecond", "1"),
                new("RateLimits:Analytics:PerMinute", "1"),
                new("RateLimits:TakenAddresses:PerMinute", "1"),
                new("RateLimits:InvalidKeys:PerMinute", "1"),
                new("RateLimits:Widget:PerMinute", "1"),
                new("RateLimits:Login:FailuresPerAddress", "1"),
            ]);
}
