namespace ChatLogger.Tests.Contracts;

public sealed partial class MatrixTests
{
    [Fact]
    public async Task Every_change_by_an_administrator_is_audited_with_its_actor()
    {
        var fixture = await MatrixFixture.Set(app);
        var wrong = new List<string>();
        var asked = 0;

        foreach (var (line, _) in Lines.Where(each => each.Line.Row is Row.Administration or Row.Organizations && IsChange(each.Line)))
        {
            var kind = fixture.Named(line.Row == Row.Organizations ? "superadmin" : "admin");
            var actor = (await kind.Caller.Get("/users/me")).Is(200).Text("id");
            var path = MatrixFixture.Path(line, kind, await fixture.Things(line, fixture.Acme));
            // The bodies give this name, and what stays as it is is not audited.
            await app.Execute(
                "update organizations set name = 'before' where name = @Mark; update users set name = 'before' where name = @Mark",
                new { MatrixFixture.Mark });
            var before = await Audited(actor);
            var answer = await fixture.Ask(line, kind.Caller, path);
            asked++;
            if (answer.Status != line.Success)
                wrong.Add($"{line.Route}: {answer.Status} instead of {line.Success} {answer.Body}");
            else if (await Audited(actor) == before)
                wrong.Add($"{line.Route} is not audited: write to AuditLog in the transaction of the change.");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(asked >= 10, $"Only {asked} requests were made.");
    }

    private static bool IsChange(RouteCase line) =>
        !line.ChangesNothing && !line.Method.Equals(HttpMethod.Get) && !line.Method.Equals(HttpMethod.Head);

    private Task<long> Audited(string actor) =>
        app.Value<long>("select count(*) from audit_events where actor_id = @actor and action <> 'access.denied'", new { actor });
}
