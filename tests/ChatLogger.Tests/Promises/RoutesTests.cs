using ChatLogger.Auth;
using ChatLogger.Http;
using ChatLogger.Tests.Support;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Promises;

public class RoutesTests(App app) : IClassFixture<App>
{
    private const string Rewrite = "CHATLOGGER_REWRITE_ROUTES";

    private IEnumerable<RouteEndpoint> Endpoints => app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    [Fact]
    public void The_published_table_is_the_running_service()
    {
        var running = Endpoints
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(method =>
                $"{method,-7}{"/" + endpoint.RoutePattern.RawText!.Trim('/'),-56}{endpoint.Metadata.GetMetadata<Access>()?.Policy ?? "NO POLICY"}"))
            .Order(StringComparer.Ordinal)
            .ToArray();
        var file = Path.Combine(Repository.Root, "docs", "routes.txt");

        if (Environment.GetEnvironmentVariable(Rewrite) == "1")
            File.WriteAllLines(file, running);

        Assert.True(
            running.SequenceEqual(File.ReadAllLines(file)),
            $"docs/routes.txt is not what runs; {Rewrite}=1 dotnet test --filter RoutesTests rewrites it. Running:\n{string.Join('\n', running)}");
    }

    [Fact]
    public void Every_route_says_who_may_call_it() =>
        Assert.All(Endpoints, endpoint => Assert.NotNull(endpoint.Metadata.GetMetadata<Access>()));

    [Fact]
    public void No_route_reads_a_body_past_the_strict_reader() => Assert.All(
        Endpoints, endpoint => Assert.All(endpoint.Metadata.OfType<IAcceptsMetadata>(), accepts => Assert.IsType<BodyShape>(accepts)));

    [Fact]
    public void No_route_is_constrained_so_that_it_would_be_missed_before_the_caller_is_known() => Assert.All(
        Endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<Access>()!.Door != Door.Open),
        endpoint => Assert.Empty(endpoint.RoutePattern.ParameterPolicies));
}
