using ChatLogger.Features;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Support;

/// <summary>A service without background writes after its start: only requests change rows.</summary>
public sealed class IdleApp : UnthrottledApp
{
    protected override void Customize(WebApplicationBuilder builder)
    {
        base.Customize(builder);
        builder.Configuration.AddInMemoryCollection([
            new("Feed:PollInterval", "01:00:00"),
            new("Purge:Interval", "01:00:00"),
            new("Search:PollInterval", "00:01:00"),
            new("Search:CatchUpInterval", "01:00:00"),
            new("Search:MinBatch", "100000"),
            new("Search:MaxIndexDelay", "01:00:00"),
        ]);
        // Ten minutes at most can be set, and on Citus some tests take longer.
        builder.Services.AddSingleton(
            services => ActivatorUtilities.CreateInstance<EraseChats>(services, new ErasureSettings { Interval = TimeSpan.FromDays(1) }));
    }
}
