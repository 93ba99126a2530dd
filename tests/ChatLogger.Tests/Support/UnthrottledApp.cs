using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Support;

/// <summary>The service for tests that do something wrong more often than a caller may.</summary>
public class UnthrottledApp : App
{
    protected override void Customize(WebApplicationBuilder builder) => builder.Configuration.AddInMemoryCollection(
    [
        new("RateLimits:Login:FailuresPerAddress", "1000000"), new("RateLimits:Login:FailuresPerAccount", "1000"),
        new("Webhooks:Deliver", "false"),
        new("RateLimits:InvalidKeys:PerMinute", "1000000"), new("RateLimits:Analytics:PerMinute", "1000000"),
    ]);
}
