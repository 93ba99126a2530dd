using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ChatLogger.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

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
                ["Purge:Interval"] = "01:00:00",
                ["RateLimits:Enabled"] = "false",
            });
}

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
        var stage = await MatrixFixture.Set(app);
        var wrong = new List<string>();
        var refusals = new Dictionary<string, (string What, Answer Answer)>();
        var asked = 0;

        foreach (var (line, _) in Lines)
        {
            var others = await stage.Things(line, stage.Acme);
            var owns = await stage.Things(line, stage.Acme, stage.User.Id);
            var before = await stage.State();
            foreach (var kind in stage.Kinds)
            {
                var expected = Matrix.Expect(line, kind);
                if (expected is null || expected == line.Success)
                    continue;
                var answer = await stage.Ask(line, kind, kind.Column == Column.User && !kind.ForeignChat ? owns : others);
                var what = $"{line.Route} by {kind.Name}";
                asked++;
                if (answer.Status != expected)
                    wrong.Add($"{what}: {answer.Status} instead of {expected} {answer.Body}");
                else
                    Compare(refusals, line, kind, answer, what, wrong);
            }
            if (await stage.State() is var after && after != before)
                wrong.Add($"{line.Route}: a refused request has changed something.\nBefore:\n{before}\nAfter:\n{after}");

            foreach (var kind in stage.Kinds.Where(kind => Matrix.Expect(line, kind) == line.Success))
            {
                var caller = line.EndsSession ? await Again(kind.Caller) : kind.Caller;
                var things = await stage.Things(line, stage.Acme, kind.Column == Column.User ? stage.User.Id : null);
                var answer = await stage.Ask(line, caller, MatrixFixture.Path(line, kind, things));
                asked++;
                if (answer.Status != line.Success)
                    wrong.Add($"{line.Route} by {kind.Name}: {answer.Status} instead of {line.Success} {answer.Body}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(asked > 500, $"Only {asked} requests were made.");
    }

    [Fact]
    public async Task A_verb_that_a_path_does_not_have_is_405_for_everybody_and_says_which_it_has()
    {
        var stage = await MatrixFixture.Set(app);
        var admin = stage.Named("admin");
        var routes = Routes;
        var before = await stage.State();

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
                foreach (var caller in new[] { app.Stranger, admin.Caller, stage.Named("a key").Caller })
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

        Assert.Equal(before, await stage.State());
    }

    [Fact]
    public async Task What_is_another_organizations_is_answered_like_what_does_not_exist()
    {
        var stage = await MatrixFixture.Set(app);
        var compared = 0;

        foreach (var (line, endpoint) in Lines.Where(each => each.Line.Row is not (Row.Open or Row.Account or Row.Organizations)))
        {
            var kinds = line.Row == Row.Plugin ? ["a key"] : new[] { "admin", "superadmin" };
            // A member with the role user gets no other information, wherever that role has access at all.
            if (Matrix.Cell(line.Row, Column.User) == "own")
                kinds = [.. kinds, "user"];
            foreach (var kind in kinds.Select(stage.Named))
            {
                var caller = kind.Caller;
                var owner = kind.Column == Column.User ? stage.User.Id : (Guid?)null;
                var foreign = await stage.Things(line, stage.Globex);
                var own = await stage.Things(line, stage.Acme, owner);
                var path = MatrixFixture.Path(line, kind, own);
                var member = await stage.Thing(stage.Globex, "memberId", null);
                var chat = await stage.Thing(stage.Globex, "chatId", null);
                // Asked with a chat of their own it is a page; there must be one to compare with.
                await stage.Thing(stage.Acme, "chatId", owner);
                var before = await stage.State();

                foreach (var name in line.Ids)
                {
                    var there = await stage.Ask(
                        line,
                        caller,
                        MatrixFixture.Path(line, kind, new Dictionary<string, string>(own) { [name] = foreign[name] }));
                    var nowhere = await stage.Ask(
                        line,
                        caller,
                        MatrixFixture.Path(line, kind, new Dictionary<string, string>(own) { [name] = $"{Guid.CreateVersion7()}" }));
                    Assert.True(nowhere.Status == 404, $"{line.Route} with a {name} that does not exist: {nowhere.Status} {nowhere.Body}");
                    Alike(line, name, nowhere, there);
                }
                if (line.Ids.Any())
                    Alike(
                        line,
                        "everything",
                        await stage.Ask(line, caller, MatrixFixture.Path(line, kind, foreign)),
                        await stage.Ask(line, caller, MatrixFixture.Path(line, kind, Nowhere(line))));

                foreach (var (name, type) in Members(endpoint.Metadata.GetMetadata<QueryShape>()?.Type))
                {
                    if (name == "cursor")
                        continue;
                    var (there, nowhere) = Choice(name, type, stage.Globex.Slug, member, chat);
                    if (there is not null)
                        Alike(
                            line,
                            name,
                            await stage.Ask(line, caller, $"{path}?{name}={nowhere}"),
                            await stage.Ask(line, caller, $"{path}?{name}={there}"));
                }

                foreach (var (name, type) in Members(endpoint.Metadata.GetMetadata<BodyShape>()?.RequestType))
                {
                    var (there, nowhere) = Choice(name, type, stage.Globex.Slug, member, chat);
                    if (there is not null && (IsId(type) || line.Filters.Contains(name)))
                        Alike(line, name, await Send(With(line, name, nowhere!)), await Send(With(line, name, there)));
                }
                foreach (var nested in line.Nested)
                {
                    var nowhere = await Send(nested($"{Guid.CreateVersion7()}"));
                    Alike(line, "what is deeper inside", nowhere, await Send(nested(member)));
                    Alike(line, "what is deeper inside", nowhere, await Send(nested(chat)));
                }

                var after = await stage.State();
                // What reads must have changed nothing at all; what writes was refused, but where the organization only chooses among its
                // own.
                Assert.True(
                    before == after || line.Filters.Length > 0,
                    $"{line.Route} by {kind.Name} has changed something.\nBefore:\n{before}\nAfter:\n{after}");

                Task<Answer> Send(object body) => caller.Send(line.Method, path, body);

                void Alike(RouteCase line, string what, Answer nowhere, Answer there)
                {
                    compared++;
                    Assert.True(
                        (nowhere.Status, Constant(nowhere)) == (there.Status, Constant(there)),
                        $"{line.Route} by {kind.Name}: another organization's {what} is told from one that does not "
                            + $"exist.\n{nowhere.Status} {nowhere.Body}\n{there.Status} {there.Body}");
                    Assert.Equal(Told(nowhere), Told(there));
                }
            }
        }

        Assert.True(compared > 15, $"Only {compared} pairs were compared.");
    }

    [Fact]
    public async Task A_cursor_is_of_one_list_of_one_organization()
    {
        var stage = await MatrixFixture.Set(app);
        var kind = stage.Named("admin");
        var elsewhere = stage.Named("admin of another organization").Caller;
        var tried = 0;

        foreach (
            var (line, endpoint) in Lines.Where(each =>
                Members(each.Endpoint.Metadata.GetMetadata<QueryShape>()?.Type).Any(member => member.Name == "cursor")))
        {
            if (line.Row == Row.Organizations)
                continue;
            var (own, foreign) = (await List(stage.Acme), await List(stage.Globex));
            var next = (await elsewhere.Get($"{MatrixFixture.Path(line, kind with { Org = "me" }, foreign)}?limit=1")).Is(200);
            Assert.True(
                next["nextCursor"].ValueKind == JsonValueKind.String,
                $"{line.Route} has no second page to compare with: {next.Body}");
            var cursor = next.Text("nextCursor");
            var path = MatrixFixture.Path(line, kind, own);
            var mine = (await kind.Caller.Get($"{path}?limit=1")).Is(200).Text("nextCursor");
            (await kind.Caller.Get($"{path}?limit=1&cursor={mine}")).Is(200);

            var malformed = (await kind.Caller.Get($"{path}?limit=1&cursor=abc")).IsInvalid("cursor").Comparable;
            Assert.Equal(malformed, (await kind.Caller.Get($"{path}?limit=1&cursor={cursor}")).IsInvalid("cursor").Comparable);
            Assert.Equal(
                malformed,
                (await stage.Superadmin.Get($"{MatrixFixture.Path(line, stage.Named("superadmin"), own)}?limit=1&cursor={cursor}"))
                    .IsInvalid("cursor")
                    .Comparable);
            // Of the same list, but cut by something else.
            foreach (var (name, type) in Members(endpoint.Metadata.GetMetadata<QueryShape>()!.Type))
            {
                var filter = name switch
                {
                    "limit" or "cursor" => null,
                    "order" => "desc",
                    "from" or "to" => "2026-01-01T00:00:00Z",
                    "action" => "login.success",
                    _ => IsId(type) || name == "actor" ? $"{stage.User.Id}" : "other",
                };
                if (filter is not null)
                    Assert.Equal(
                        malformed,
                        (await kind.Caller.Get($"{path}?limit=1&cursor={mine}&{name}={filter}")).IsInvalid("cursor").Comparable);
            }
            if (line.Ids.Any())
                Assert.Equal(
                    malformed,
                    (await kind.Caller.Get($"{MatrixFixture.Path(line, kind, await List(stage.Acme))}?limit=1&cursor={mine}"))
                        .IsInvalid("cursor")
                        .Comparable);
            tried++;

            // Two of each, so that there is a next page.
            async Task<Dictionary<string, string>> List(Org org)
            {
                foreach (var name in new[] { "chatId", "keyId", "exportId", "memberId" })
                {
                    await stage.Thing(org, name, null);
                    await stage.Thing(org, name, null);
                }
                var things = await stage.Things(line, org);
                if (things.TryGetValue("chatId", out var chat))
                    await stage.Thing(org, "messageId", null, chat);
                return things;
            }
        }

        Assert.True(tried >= 4, $"Only {tried} lists were found.");
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
                var columns = Enum.GetValues<Column>();
                if (line.Path.EndsWith("/orgs/me", StringComparison.Ordinal))
                    columns = [Column.Anonymous, Column.Key, Column.Viewer, Column.User, Column.Admin];
                foreach (var column in columns)
                {
                    var cell = Matrix.Cell(line.Row, column);
                    var says = published[Shape(line.Route)][(int)column];
                    Assert.True(
                        (cell is "✓" or "own" ? RoutesTests.Allowed : cell) == says,
                        $"docs/routes.txt says {says} for {column} at {line.Route}, the matrix says {cell}.");
                }
            }
        });
    }

    // 401 has one body in each API, and another organization's 404 is the same on every route; headers too, except for the time.
    private static void Compare(
        Dictionary<string, (string What, Answer Answer)> refusals,
        RouteCase line,
        Kind kind,
        Answer answer,
        string what,
        List<string> wrong)
    {
        if (line.Method == HttpMethod.Head)
            return;
        var of = answer.Status switch
        {
            401 => line.Row switch
            {
                Row.Plugin => "401 of the plugin's door",
                Row.Operator => "401 of the operator's door",
                _ => "401 of the member's door",
            },
            404 when !kind.ForeignChat => "404 of an organization",
            404 => $"404 of {line.Ids.Last()}",
            409 => "409 of a superadmin",
            _ => null,
        };
        if (of is null || refusals.TryAdd(of, (what, answer)))
            return;
        var first = refusals[of];
        if (first.Answer.Comparable != answer.Comparable || !Told(first.Answer).SequenceEqual(Told(answer)))
            wrong.Add($"{what} is answered otherwise than {first.What}:\n{first.Answer.Body}\n{answer.Body}");
    }

    private async Task<Caller> Again(Caller caller) => await app.LogIn((await caller.Get("/users/me")).Is(200).Text("email"));

    private static Dictionary<string, string> Nowhere(RouteCase line) =>
        line.Ids.ToDictionary(name => name, _ => Guid.CreateVersion7().ToString());

    // Without the CORS headers: these differ between plugin API and dashboard API.
    private static IEnumerable<string> Told(Answer answer) =>
        from header in answer.Headers
        where
            header.Key is not ("Date" or "ETag" or "Content-Disposition" or "Vary")
            && !header.Key.StartsWith("Access-Control-", StringComparison.Ordinal)
        orderby header.Key
        select $"{header.Key}: {header.Value}";

    /// <summary>The body without what differs between any two answers.</summary>
    private static string Constant(Answer answer) => AsOf().Replace(answer.Comparable, "");

    private static IEnumerable<(string Name, Type Type)> Members(Type? shape) =>
        shape is null ? [] : Json.Options.GetTypeInfo(shape).Properties.Select(property => (property.Name, property.PropertyType));

    private static bool IsId(Type type) => (Nullable.GetUnderlyingType(type) ?? type) == typeof(Guid);

    /// <summary>
    /// The id of another organization under this name, and one that does not exist; null for a parameter that names nothing.
    /// </summary>
    private static (string? There, string? Nowhere) Choice(string name, Type type, string foreignText, string member, string chat) =>
        name is "userId" or "actor" ? (member, $"{Guid.CreateVersion7()}")
        : IsId(type) ? (chat, $"{Guid.CreateVersion7()}")
        : name is "tag" or "externalUserId" or "q" ? (foreignText, "nobody-has-this")
        : (null, null);

    private static JsonObject With(RouteCase line, string name, string value)
    {
        var body = (JsonObject)JsonSerializer.SerializeToNode(line.Body!(null!))!;
        body[name] = value;
        return body;
    }

    private static bool Covers(string template, string path)
    {
        var (segments, actual) = (template.Trim('/').Split('/'), path.Trim('/').Split('/'));
        return segments.Length == actual.Length
            && segments.Zip(actual).All(pair => pair.First.StartsWith('{') || pair.First == pair.Second);
    }

    private static string Shape(string route) => Parameter().Replace(route, "{}");

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();

    [GeneratedRegex("\"asOf\":\"[^\"]*\"")]
    private static partial Regex AsOf();
}
