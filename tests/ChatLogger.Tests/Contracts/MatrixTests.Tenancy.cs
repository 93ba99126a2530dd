using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ChatLogger.Http;

namespace ChatLogger.Tests.Contracts;

public sealed partial class MatrixTests
{
    [Fact]
    public async Task Resources_of_another_organization_are_answered_like_missing_ones()
    {
        var fixture = await MatrixFixture.Set(app);
        var compared = 0;

        foreach (var (line, endpoint) in Lines.Where(each => each.Line.Row is not (Row.Open or Row.Account or Row.Organizations)))
        {
            var kinds = line.Row is Row.Plugin or Row.PluginReading or Row.Integration ? ["a key"] : new[] { "admin", "superadmin" };
            // A member with the role user gets no other information, wherever that role has access at all.
            if (Matrix.Cell(line.Row, Column.User) == "own")
                kinds = [.. kinds, "user"];
            foreach (var kind in kinds.Select(fixture.Named))
            {
                var caller = kind.Caller;
                var owner = kind.Column == Column.User ? fixture.User.Id : (Guid?)null;
                var foreign = await fixture.Things(line, fixture.Globex);
                var own = await fixture.Things(line, fixture.Acme, owner);
                var path = MatrixFixture.Path(line, kind, own);
                var member = await fixture.Thing(fixture.Globex, "memberId", null);
                var chat = await fixture.Thing(fixture.Globex, "chatId", null);
                // Asked with a chat of their own it is a page; there must be one to compare with.
                await fixture.Thing(fixture.Acme, "chatId", owner);
                var before = await fixture.State();

                foreach (var name in line.Ids)
                {
                    var there = await fixture.Ask(
                        line,
                        caller,
                        MatrixFixture.Path(line, kind, new Dictionary<string, string>(own) { [name] = foreign[name] }));
                    var nowhere = await fixture.Ask(
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
                        await fixture.Ask(line, caller, MatrixFixture.Path(line, kind, foreign)),
                        await fixture.Ask(line, caller, MatrixFixture.Path(line, kind, Nowhere(line))));

                foreach (var (name, type) in Members(endpoint.Metadata.GetMetadata<QueryShape>()?.Type))
                {
                    if (name == "cursor")
                        continue;
                    var (there, nowhere) = Choice(name, type, fixture.Globex.Slug, member, chat);
                    if (there is not null)
                        Alike(
                            line,
                            name,
                            await fixture.Ask(line, caller, $"{path}?{name}={nowhere}"),
                            await fixture.Ask(line, caller, $"{path}?{name}={there}"));
                }

                foreach (var (name, type) in Members(endpoint.Metadata.GetMetadata<BodyShape>()?.RequestType))
                {
                    var (there, nowhere) = Choice(name, type, fixture.Globex.Slug, member, chat);
                    if (there is not null && (IsId(type) || line.Filters.Contains(name)))
                        Alike(line, name, await Send(With(line, name, nowhere!)), await Send(With(line, name, there)));
                }
                foreach (var nested in line.Nested)
                {
                    var nowhere = await Send(nested($"{Guid.CreateVersion7()}"));
                    Alike(line, "what is deeper inside", nowhere, await Send(nested(member)));
                    Alike(line, "what is deeper inside", nowhere, await Send(nested(chat)));
                }

                var after = await fixture.State();
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
                Row.Plugin or Row.PluginReading => "401 of the plugin API",
                Row.Integration => $"401 of {line.Path}",
                Row.Operator => "401 of the operator's routes",
                _ => "401 of the dashboard API",
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

    [GeneratedRegex("\"asOf\":\"[^\"]*\"")]
    private static partial Regex AsOf();
}
