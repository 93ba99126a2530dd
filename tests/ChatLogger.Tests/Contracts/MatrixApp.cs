using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Contracts;

/// <summary>A service without background work and without rate limits.</summary>
public sealed class MatrixApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["Exports:Workers"] = "0",
                ["Feed:PollInterval"] = "01:00:00",
                ["Search:MinBatch"] = "100000",
                ["Search:MaxIndexDelay"] = "01:00:00",
                ["Purge:Interval"] = "01:00:00",
                ["Erasure:Interval"] = "00:10:00",
                ["RateLimits:Enabled"] = "false",
                ["Webhooks:Deliver"] = "false",
                ["Limits:Webhooks"] = "1000",
            });
}
