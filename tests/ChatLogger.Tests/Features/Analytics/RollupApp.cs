using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Features.Analytics;

/// <summary>A service without background aggregation: tests aggregate explicitly.</summary>
public sealed class RollupApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Feed:PollInterval"] = "01:00:00" });
}
