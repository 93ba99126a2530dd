using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Browser;

/// <summary>The service below a path of its host.</summary>
public class SubPathDashboardApp : DashboardApp
{
    internal override string Base => "/chatlogger";

    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection([new("PathBase", Base)]);
}

public class SubPathTests(SubPathDashboardApp app) : IClassFixture<SubPathDashboardApp>
{
    [BrowserFact]
    public Task The_first_walk_is_the_same_below_a_path() => FirstRunTests.Walk(app);
}
