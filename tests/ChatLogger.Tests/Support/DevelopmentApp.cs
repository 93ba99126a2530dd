using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace ChatLogger.Tests.Support;

/// <summary>The service as a developer runs it, on a loopback address.</summary>
public class DevelopmentApp : App
{
    protected override void Customize(WebApplicationBuilder builder) => builder.Environment.EnvironmentName = Environments.Development;
}
