using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Contracts;

public class RoutesTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    /// <summary>How the published table marks a caller that has access; what they may see there is for the slice to decide.</summary>
    internal const string Allowed = "yes";

    internal const string HowToRewrite = $"{Rewrite}=1 dotnet test tests/ChatLogger.Tests --filter RoutesTests rewrites it.";

    private const string Rewrite = "CHATLOGGER_REWRITE_ROUTES";

    private static readonly string[] Callers = ["anonymous", "key", "viewer", "user", "admin", "superadmin", "elsewhere"];

    private static readonly string File = Path.Combine(Repository.Root, "docs", "routes.txt");

    private IEnumerable<RouteEndpoint> Endpoints => app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    [Fact]
    public void The_published_table_is_the_running_service()
    {
        string[] running =
        [
            $"{"",-74}{"who",-24}{string.Concat(Callers.Select(caller => $"{caller,-11}")).TrimEnd()}",
            .. Endpoints
                .SelectMany(endpoint =>
                    endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(method => Row(method, endpoint)))
                .Order(StringComparer.Ordinal),
        ];

        if (Environment.GetEnvironmentVariable(Rewrite) == "1")
            System.IO.File.WriteAllLines(File, running);

        var published = System.IO.File.ReadAllLines(File);
        Assert.True(
            running.SequenceEqual(published),
            $"docs/routes.txt is not what runs: {HowToRewrite}\nMissing in the file:\n{string.Join('\n', running.Except(published))}\n"
                + $"Not running:\n{string.Join('\n', published.Except(running))}");
    }

    [Fact]
    public void Every_route_says_who_may_call_it() =>
        Assert.All(Endpoints, endpoint => Assert.Single(endpoint.Metadata.OfType<EndpointPolicy>()));

    [Fact]
    public async Task A_route_that_does_not_say_who_may_call_it_refuses_the_start()
    {
        await using var unprotected = Application.Build(
            [],
            builder =>
                builder.Configuration.AddInMemoryCollection(
                    new Dictionary<string, string?>
                    {
                        ["urls"] = "http://127.0.0.1:0",
                        ["ConnectionStrings:ChatLogger"] = app.ConnectionString,
                        ["Session:Secret"] = "not a secret, but thirty-two bytes and more",
                        ["Exports:Workers"] = "0",
                    }));
        unprotected.MapGet("/forgotten", () => "for everybody");
        await unprotected.Services.GetRequiredService<Database>().Open(CancellationToken.None);

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => unprotected.StartAsync());

        Assert.Contains("/forgotten", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_route_reads_a_body_past_the_strict_reader() => Assert.All(
        Endpoints, endpoint => Assert.All(endpoint.Metadata.OfType<IAcceptsMetadata>(), accepts => Assert.IsType<BodyShape>(accepts)));

    [Fact]
    public void No_route_is_constrained_so_that_it_would_be_missed_before_the_caller_is_known() => Assert.All(
        Endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<EndpointPolicy>()!.Credential != CredentialKind.None),
        endpoint => Assert.Empty(endpoint.RoutePattern.ParameterPolicies));

    /// <summary>The file, read back: the routes, and what each kind of caller gets.</summary>
    internal static IEnumerable<(string Route, string[] Outcomes)> Published() =>
        from row in System.IO.File.ReadAllLines(File).Skip(1)
        let words = row.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        select ($"{words[0]} {words[1]}", words[^Callers.Length..]);

    private static string Row(string method, RouteEndpoint endpoint)
    {
        var access = endpoint.Metadata.GetMetadata<EndpointPolicy>();
        return access is null
            ? $"{method,-7}/{endpoint.RoutePattern.RawText!.Trim('/'),-66}NO POLICY"
            : $"{method,-7}/{endpoint.RoutePattern.RawText!.Trim('/'),-66}{access.Description,-24}"
                + $"{string.Concat(Outcomes(access).Select(outcome => $"{outcome,-11}")).TrimEnd()}";
    }

    // In the order of Callers. "elsewhere" is an admin who names an organization that is not theirs; where no organization is named, they
    // are like any admin.
    private static string[] Outcomes(EndpointPolicy access) => access.Credential switch
    {
        CredentialKind.None => [.. Enumerable.Repeat(Allowed, Callers.Length)],
        // The operator's token is a credential that no caller of the table has.
        CredentialKind.OperatorToken => [.. Enumerable.Repeat("401", Callers.Length)],
        CredentialKind.ApiKey => ["401", Allowed, "401", "401", "401", "401", "401"],
        CredentialKind.OrganizationSession => ["401", "401", .. Roles(access, "viewer", "user", "admin"), Allowed, "404"],
        _ => ["401", "401", .. Roles(access, "viewer", "user", "admin", "superadmin", "admin")],
    };

    private static IEnumerable<string> Roles(EndpointPolicy access, params string[] roles) =>
        roles.Select(role => access.Allowed.Count == 0 || access.Allowed.Contains(role) ? Allowed : "403");
}
