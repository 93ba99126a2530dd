using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Contracts;

/// <summary>
/// Every route with every kind of caller and with what belongs to another organization. The routes are those of the running service, what
/// is expected is in <see cref="Matrix"/>.
/// </summary>
public sealed partial class MatrixTests(MatrixApp app) : IClassFixture<MatrixApp>
{
    private static readonly string[] Verbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    private List<(RouteEndpoint Endpoint, string Route)> Routes =>
    [
        .. from endpoint in app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
           from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
           select (endpoint, $"{method} /{endpoint.RoutePattern.RawText!.Trim('/')}"),
    ];

    /// <summary>The lines of the routes that are there.</summary>
    private IEnumerable<(RouteCase Line, RouteEndpoint Endpoint)> Lines =>
        from route in Routes
        from line in Matrix.Lines
        where Shape(line.Route) == Shape(route.Route)
        select (line, route.Endpoint);

    [Fact]
    public void Every_route_has_a_line_and_every_line_a_route()
    {
        var routes = Routes.Select(route => Shape(route.Route)).ToHashSet();
        var lines = Matrix.Lines.Select(line => Shape(line.Route)).ToList();
        var coming = Matrix.Coming.Select(Shape).ToHashSet();

        Assert.All(
            Routes,
            route =>
                Assert.True(
                    lines.Contains(Shape(route.Route)),
                    $"Matrix.Lines has no line for {route.Route}: add one with its row of the role matrix, the status of its success and "
                        + "a body that succeeds."));
        Assert.All(
            lines,
            line =>
                Assert.True(
                    routes.Contains(line) || coming.Contains(line),
                    $"Matrix.Lines has a line for {line}, which is no route of the service: remove the line."));
        Assert.All(coming, route => Assert.False(routes.Contains(route), $"{route} is there: take it out of Matrix.Coming."));
        Assert.Equal(lines.Count, lines.Distinct().Count());
    }

    [Fact]
    public async Task Every_kind_of_caller_gets_from_every_route_what_the_matrix_says()
    {
        var fixture = await MatrixFixture.Set(app);
        var wrong = new List<string>();
        var refusals = new Dictionary<string, (string What, Answer Answer)>();
        var asked = 0;

        foreach (var (line, _) in Lines)
        {
            var others = await fixture.Things(line, fixture.Acme);
            var owns = await fixture.Things(line, fixture.Acme, fixture.User.Id);
            var before = await fixture.State();
            foreach (var kind in fixture.Kinds)
            {
                var expected = Matrix.Expect(line, kind);
                if (expected is null || expected == line.Success)
                    continue;
                var answer = await fixture.Ask(line, kind, kind.Column == Column.User && !kind.ForeignChat ? owns : others);
                var what = $"{line.Route} by {kind.Name}";
                asked++;
                if (answer.Status != expected)
                    wrong.Add($"{what}: {answer.Status} instead of {expected} {answer.Body}");
                else
                    Compare(refusals, line, kind, answer, what, wrong);
            }
            if (await fixture.State() is var after && after != before)
                wrong.Add($"{line.Route}: a refused request has changed something.\nBefore:\n{before}\nAfter:\n{after}");

            foreach (var kind in fixture.Kinds.Where(kind => Matrix.Expect(line, kind) == line.Success))
            {
                var caller = line.EndsSession ? await Again(kind.Caller) : kind.Caller;
                var things = await fixture.Things(line, fixture.Acme, kind.Column == Column.User ? fixture.User.Id : null);
                if (things.ContainsKey("sessionId"))
                    things["sessionId"] = await fixture.Thing(fixture.Acme, "sessionId", await IdOf(caller));
                var answer = await fixture.Ask(line, caller, MatrixFixture.Path(line, kind, things));
                asked++;
                if (answer.Status != line.Success)
                    wrong.Add($"{line.Route} by {kind.Name}: {answer.Status} instead of {line.Success} {answer.Body}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(asked > 500, $"Only {asked} requests were made.");
    }

    [Fact]
    public async Task An_unsupported_method_is_405_for_every_caller_and_names_the_supported_ones()
    {
        var fixture = await MatrixFixture.Set(app);
        var admin = fixture.Named("admin");
        var routes = Routes;
        var before = await fixture.State();

        foreach (var line in Lines.Select(each => each.Line).DistinctBy(line => line.Path))
        {
            var path = MatrixFixture.Path(line, admin, line.Ids.ToDictionary(name => name, _ => Guid.CreateVersion7().ToString()));
            var has = routes
                .Where(route => Covers(route.Route.Split(' ')[1], path))
                .Select(route => route.Route.Split(' ')[0])
                .Distinct()
                .Order(StringComparer.Ordinal)
                .ToArray();
            foreach (var verb in Verbs.Except(has))
            {
                foreach (var caller in new[] { app.Stranger, admin.Caller, fixture.Named("a key").Caller })
                {
                    var answer = await caller.Send(HttpMethod.Parse(verb), path);
                    Assert.True(answer.Status == 405, $"{verb} {line.Path}: {answer.Status} {answer.Body}");
                    Assert.Equal(has, answer.Header("Allow")!.Split(", ").Order(StringComparer.Ordinal));
                    if (verb == "HEAD")
                        Assert.Empty(answer.Body);
                    else
                        answer.IsSafeProblem(405, "method-not-allowed");
                }
            }
        }

        Assert.Equal(before, await fixture.State());
    }

    [Fact]
    public void The_published_table_says_what_the_matrix_says()
    {
        var published = RoutesTests.Published().ToDictionary(row => Shape(row.Route), row => row.Outcomes);

        Assert.All(Lines.Select(each => each.Line), line =>
        {
            var columns = Enum.GetValues<Column>();
            if (line.Path.EndsWith("/orgs/me", StringComparison.Ordinal))
                columns = [Column.Anonymous, Column.Key, Column.Viewer, Column.User, Column.Admin];
            foreach (var column in columns)
            {
                var cell = Matrix.Cell(line.Row, column);
                Assert.True(
                    published.TryGetValue(Shape(line.Route), out var outcomes),
                    $"docs/routes.txt has no {line.Route}: {RoutesTests.HowToRewrite}");
                var says = outcomes[(int)column];
                Assert.True(
                    (cell is "✓" or "own" ? RoutesTests.Allowed : cell) == says,
                    $"docs/routes.txt says {says} for {column} at {line.Route}, the matrix says {cell}.");
            }
        });
    }

    private async Task<Caller> Again(Caller caller) => await app.LogIn((await caller.Get("/users/me")).Is(200).Text("email"));

    private static async Task<Guid> IdOf(Caller caller) => Guid.Parse((await caller.Get("/users/me")).Is(200).Text("id"));

    private static bool Covers(string template, string path)
    {
        var (segments, actual) = (template.Trim('/').Split('/'), path.Trim('/').Split('/'));
        return segments.Length == actual.Length
            && segments.Zip(actual).All(pair => pair.First.StartsWith('{') || pair.First == pair.Second);
    }

    private static string Shape(string route) => Parameter().Replace(route, "{}");

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
