using ChatLogger.Data;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Privacy;

/// <summary>A service whose retention and purging the tests run themselves.</summary>
public sealed class PrivacyApp : App
{
    internal T Job<T>()
        where T : PeriodicJob => Services.GetRequiredService<T>();

    protected override void Customize(WebApplicationBuilder builder) => builder.Configuration.AddInMemoryCollection(
        new Dictionary<string, string?>
        {
            ["Purge:Interval"] = "01:00:00",
            ["Retention:Interval"] = "00:30:00",
            ["Retention:BatchChats"] = "2",
        });
}
