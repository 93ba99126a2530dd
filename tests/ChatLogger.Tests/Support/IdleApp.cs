using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Support;

/// <summary>Writes nothing of its own accord, once it has started: what becomes another becomes so by a request.</summary>
public sealed class IdleApp : PatientApp
{
    protected override void Customize(WebApplicationBuilder builder)
    {
        base.Customize(builder);
        builder.Configuration.AddInMemoryCollection(
        [
            new("Following:Every", "01:00:00"), new("Purge:Every", "01:00:00"),
            new("Search:Every", "00:01:00"), new("Search:Sweep", "01:00:00"), new("Search:Gather", "100000"), new("Search:Patience", "01:00:00"),
        ]);
    }
}
