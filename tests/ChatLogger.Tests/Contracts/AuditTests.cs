using System.Text.RegularExpressions;
using ChatLogger.Auth;
using ChatLogger.Tests.Features.Exports;
using Dapper;

namespace ChatLogger.Tests.Contracts;

/// <summary>
/// Actions and refusals are in the log and in the organization's audit log, with actor, organization, target and trace id.
/// </summary>
public sealed partial class AuditTests(ExportApp app) : IClassFixture<ExportApp>
{
    public static TheoryData<string> Actions => [.. AuditAction.All];

    [Theory]
    [MemberData(nameof(Actions))]
    public async Task It_is_in_the_log_and_in_the_audit_log(string action)
    {
        Assert.True(Stories.ContainsKey(action), $"Nobody does {action}: add a story to AuditTests.Stories.");
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var trace = new Trace();

        var expected = await Stories[action](acme, trace);

        var row = await Row(acme, action, expected.TargetId, trace);
        Assert.Equal(expected, new(row.ActorType, row.ActorId, row.TargetType, row.TargetId));
        Assert.Equal(
            0,
            await app.Value<long>(
                "select count(*) from audit_events where org_id = @Id and action = @Action and actor_type <> 'operator'",
                new { globex.Id, Action = action }));
        Assert.Single(
            app.Log.All,
            line =>
                line.EndsWith(
                    $" {action} actor={Pair(expected.ActorType, expected.ActorId)} organization={acme.Id} "
                        + $"target={Pair(expected.TargetType, expected.TargetId)}{(trace.Id.Length == 0 ? "" : $" trace={trace.Id}")} ",
                    StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_superadmin_of_no_organization_is_in_the_log_alone()
    {
        var root = await app.Superadmin();
        var id = (await root.Get("/users/me")).Text("id");

        Assert.Contains(
            app.Log.All,
            line => line.Contains($"login.success actor=superadmin:{id} target=member:{id}", StringComparison.Ordinal));
        Assert.Equal(0, await app.Value<long>("select count(*) from audit_events where actor_id = @Id", new { Id = id }));
    }

    [Fact]
    public async Task Denials_are_audited_once_a_minute_for_an_actor_and_an_action_over_all_instances()
    {
        var acme = await app.Org("acme");
        var (one, two) = (await acme.Member("viewer"), await acme.Member("viewer"));
        var other = await app.AnotherInstance();
        try
        {
            await Knock();
            Assert.Equal(1, await Denials(one));
            Assert.Equal(0, await Denials(two));
            (await two.Caller.Get("/orgs/me/apikeys")).Is(403);
            Assert.Equal(1, await Denials(two));

            // A minute later the audit log records it again.
            await app.Execute("update audit_events set at = at - interval '61 seconds' where org_id = @Id", new { acme.Id });
            app.Clock.Advance(TimeSpan.FromSeconds(61));
            other.Clock.Advance(TimeSpan.FromSeconds(61));
            await Knock();
            Assert.Equal(2, await Denials(one));
        }
        finally
        {
            await other.Stop();
        }

        // From both instances at once, at several routes.
        Task Knock() =>
            Task.WhenAll(
                Enumerable
                    .Range(0, 12)
                    .Select(async i =>
                        (
                            await (i % 2 == 0 ? one.Caller : other.Stranger.WithCookie(one.Caller.Credential!)).Get(
                                i % 3 == 0 ? "/orgs/me/apikeys" : "/exports/orgs/me")
                        ).Is(403)));
        Task<long> Denials(Person person) =>
            app.Value<long>(
                "select count(*) from audit_events where org_id = @Org and actor_id = @Id and action = 'access.denied'",
                new { Org = acme.Id, Id = $"{person.Id}" });
    }

    [Fact]
    public async Task Callers_cannot_forge_lines_of_the_log()
    {
        const string forged = "forged-line";
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var before = app.Log.All.Count;

        foreach (
            var evil in new[]
            {
                $"\r\n{forged}",
                $"\u001b[31m{forged}",
                $"\u0085{forged}",
                $"\u2028{forged}",
                $"{forged}\u0007",
                $"{{{forged}}}",
                $"%0d%0a{forged}",
            })
        {
            (await app.Stranger.Post("/auth/login", new { email = $"a{evil}@acme.example", password = evil })).Is(401);
            await app.Stranger.Post("/auth/login", $$"""{"email":{{System.Text.Json.JsonSerializer.Serialize(evil)}},"{{forged}}":1}""");
            await viewer.Get($"/orgs/{Uri.EscapeDataString(evil)}/apikeys");
            await viewer.Get($"/orgs/me/apikeys/{Uri.EscapeDataString(evil)}?x={Uri.EscapeDataString(evil)}");
            await viewer.Patch("/users/me", new { email = $"a{evil}@acme.example", currentPassword = evil });
            await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", new { title = evil, userId = evil });
            await app.Stranger.Post($"/api/v1/orgs/{Uri.EscapeDataString(evil)}/chats", "{}");
        }
        foreach (
            var header in new[]
            {
                "x-organization-api-key",
                "User-Agent",
                "X-Forwarded-For",
                "traceparent",
                "tracestate",
                "Cookie",
                "Origin",
                "Host-Name",
            })
            await Wire.Ask(
                app.Address,
                "GET",
                "/orgs/me/apikeys",
                $"Cookie: {viewer.Credential}",
                $"{header}: \u001b[2J{forged}\t{forged}");

        Assert.All(app.Log.All.Skip(before), line =>
        {
            Assert.DoesNotContain(forged, line, StringComparison.Ordinal);
            Assert.DoesNotMatch(Control(), line);
        });
    }

    private async Task<AuditRow> Row(Org org, string action, string? targetId, Trace trace)
    {
        await using var connection = await app.Rows.OpenConnectionAsync();
        // The service writes the audit event of a refusal concurrently with the response, not before it.
        AuditRow? row = null;
        await Wait.Until(
            async () => (row = await connection.QuerySingleOrDefaultAsync<AuditRow>(
                """
                select actor_type as ActorType, actor_id as ActorId, target_type as TargetType, target_id as TargetId
                from audit_events
                where org_id = @Id
                  and action = @Action
                  and target_id is not distinct from @TargetId
                  and trace_id = @Trace
                """,
                new { org.Id, Action = action, TargetId = targetId, Trace = trace.Id })) is not null,
            $"{action} is in the audit log.");
        return row!;
    }

    [GeneratedRegex(@"[\x00-\x1f\x7f-\x9f\u2028\u2029]")]
    private static partial Regex Control();

    private sealed record AuditRow(string ActorType, string? ActorId, string TargetType, string? TargetId);

    /// <summary>What the audit log must contain in addition to the action, the organization and the trace.</summary>
    internal sealed record Event(string ActorType, string? ActorId, string TargetType, string? TargetId);

    /// <summary>The one request of a test, found by the trace in which it was sent.</summary>
    internal sealed class Trace
    {
        public string Id { get; private set; } = Guid.NewGuid().ToString("N");

        /// <summary>No request caused it.</summary>
        public void IsNone() => Id = "";

        public Task<Answer> Send(Caller caller, string method, string path, object? body = null) => caller.Send(
            HttpMethod.Parse(method),
            path,
            body is null ? null : Caller.Json(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(body)),
            request => request.Headers.Add("traceparent", $"00-{Id}-00f067aa0ba902b7-01"));
    }

    private static string Pair(object? type, object? id) => $"{id}".Length == 0 ? $"{type}" : $"{type}:{id}";
}
