using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Audit;

public class AuditTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task An_admin_reads_what_was_done_in_the_organization_and_nothing_of_another()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await (await globex.Admin()).Post("/orgs/me/apikeys", new { label = "theirs" });
        var admin = await acme.Member("admin");
        var viewer = await acme.Member("viewer");
        var key = (await admin.Caller.Post("/orgs/me/apikeys", new { label = "ours" })).Is(201);
        (await viewer.Caller.Get("/orgs/me/apikeys")).Is(403);

        var answer = (await admin.Caller.Get("/orgs/me/audit?limit=200")).Is(200);

        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Assert.Equal(["items", "nextCursor"], answer.Json.EnumerateObject().Select(property => property.Name));
        var items = answer["items"].EnumerateArray().ToList();
        Assert.All(
            items,
            item =>
                Assert.Equal(["id", "at", "actor", "action", "target", "traceId"], item.EnumerateObject().Select(property => property.Name))
        );
        Assert.Equal(await acme.Count("audit_events"), items.Count);
        Assert.DoesNotContain(globex.Id.ToString(), answer.Body, StringComparison.Ordinal);
        Assert.Equal(items.Select(Time).OrderDescending(), items.Select(Time));

        var denied = items[0];
        Assert.Equal("access.denied", Action(denied));
        Assert.Equal($$"""{"type":"member","id":"{{viewer.Id}}"}""", denied.GetProperty("actor").GetRawText());
        Assert.Equal("""{"type":"route","id":"GET /orgs/{org}/apikeys"}""", denied.GetProperty("target").GetRawText());
        var made = items[1];
        Assert.Equal("key.created", Action(made));
        Assert.Equal($$"""{"type":"member","id":"{{admin.Id}}"}""", made.GetProperty("actor").GetRawText());
        Assert.Equal($$"""{"type":"key","id":"{{key.Text("publicId")}}"}""", made.GetProperty("target").GetRawText());
        Assert.Matches("^[0-9a-f]{32}$", made.GetProperty("traceId").GetString());
        Assert.Matches("^[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z$", made.GetProperty("at").GetString());
        // An event without a request has no trace.
        var founded = items[^1];
        Assert.Equal("organization.created", Action(founded));
        Assert.Equal("""{"type":"operator","id":"test"}""", founded.GetProperty("actor").GetRawText());
        Assert.Equal(JsonValueKind.Null, founded.GetProperty("traceId").ValueKind);
    }

    [Fact]
    public async Task An_anonymous_id_is_null()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var ann = await acme.Member("user");
        (await app.Stranger.Post("/auth/login", new { email = ann.Email, password = "wrong horse battery" })).Is(401);

        // The service writes it concurrently with the response, not before it.
        await app.Until("select exists (select from audit_events where org_id = @Id and action = 'login.refusal')", new { acme.Id });

        var refused = Assert.Single((await admin.Get("/orgs/me/audit?action=login.refusal")).Is(200)["items"].EnumerateArray());

        Assert.Equal("""{"type":"anonymous","id":null}""", refused.GetProperty("actor").GetRawText());
        Assert.Equal($$"""{"type":"member","id":"{{ann.Id}}"}""", refused.GetProperty("target").GetRawText());
    }

    [Fact]
    public async Task It_is_asked_by_actor_action_and_time_in_any_combination()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var admin = await acme.Admin();
        await Happened(globex, Noon, "ann", "key.created");
        var ann1 = await Happened(acme, Noon, "ann", "key.created");
        var bob1 = await Happened(acme, Noon.AddMinutes(1), "bob", "key.created");
        var ann2 = await Happened(acme, Noon.AddMinutes(2), "ann", "key.revoked");
        var ann3 = await Happened(acme, Noon.AddMinutes(3), "ann", "key.created");
        const string Day = "from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z";

        foreach (var (query, expected) in new (string, Guid[])[]
                 {
                     (Day, [ann3, ann2, bob1, ann1]),
                     ($"{Day}&actor=ann", [ann3, ann2, ann1]),
                     ($"{Day}&action=key.created", [ann3, bob1, ann1]),
                     ($"{Day}&action=key.created&actor=ann", [ann3, ann1]),
                     ("actor=ann", [ann3, ann2, ann1]),
                     ("actor=an", []),
                     ("actor=ANN", []),
                     ($"{Day}&action=export.made", []),
                     // "from" is inclusive, "to" is exclusive, and offsets are respected.
                     ("from=2026-11-01T12:01:00Z&to=2026-11-01T12:03:00Z", [ann2, bob1]),
                     ("from=2026-11-01T13:01:00%2B01:00&to=2026-11-01T12:03:00.001Z", [ann3, ann2, bob1]),
                     ("actor=ann&from=2026-11-01T12:00:00.001Z", [ann3, ann2]),
                     ("to=2026-11-01T12:00:00Z", []),
                 })
        {
            var answer = (await admin.Get($"/orgs/me/audit?{query}")).Is(200);
            Assert.Equal(expected, answer["items"].EnumerateArray().Select(Id));
            Assert.Equal(JsonValueKind.Null, answer["nextCursor"].ValueKind);
        }
    }

    [Fact]
    public async Task Pages_neither_skip_nor_repeat_also_within_one_millisecond_and_while_more_happens()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var all = new List<Guid>();
        for (var i = 0; i < 7; i++)
            all.Add(await Happened(acme, Noon.AddMilliseconds(i / 4), "ann", "key.created"));

        var read = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = (await admin.Get($"/orgs/me/audit?actor=ann&limit=3{(cursor is null ? "" : $"&cursor={cursor}")}")).Is(200);
            read.AddRange(page["items"].EnumerateArray().Select(Id));
            cursor = page["nextCursor"].GetString();
            await Happened(acme, Noon.AddHours(1), "ann", "key.created");
        }
        while (cursor is not null);

        Assert.Equal(Enumerable.Reverse(all), read);
    }

    [Fact]
    public async Task A_cursor_is_of_one_list_of_one_organization()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var admin = await acme.Admin();
        foreach (var org in new[] { acme, globex })
        {
            await Happened(org, Noon, "ann", "key.created");
            await Happened(org, Noon.AddMinutes(1), "ann", "key.created");
        }
        const string Query = "limit=1&actor=ann&from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&action=key.created";
        var cursor = (await admin.Get($"/orgs/me/audit?{Query}")).Is(200).Text("nextCursor");

        (await admin.Get($"/orgs/me/audit?{Query}&cursor={cursor}")).Is(200);
        (await admin.Get($"/orgs/me/audit?{Query.Replace("limit=1", "limit=2", StringComparison.Ordinal)}&cursor={cursor}")).Is(200);
        foreach (var part in Query.Split('&').Skip(1))
            (await admin.Get($"/orgs/me/audit?{Query.Replace(part, "", StringComparison.Ordinal)}&cursor={cursor}")).IsInvalid("cursor");
        (await admin.Get($"/orgs/me/audit?{Query.Replace("=ann", "=bob", StringComparison.Ordinal)}&cursor={cursor}")).IsInvalid("cursor");
        (await (await globex.Admin()).Get($"/orgs/me/audit?{Query}&cursor={cursor}")).IsInvalid("cursor");
        (await admin.Get($"/orgs/me/users?cursor={cursor}")).IsInvalid("cursor");
    }

    [Theory]
    [InlineData("action=key.made", "action")]
    [InlineData("action=", "action")]
    [InlineData("action=KEY.CREATED", "action")]
    [InlineData("actor=", "actor")]
    [InlineData("from=yesterday", "from")]
    [InlineData("from=2026-11-01", "from")]
    [InlineData("to=2026-02-30T00:00:00Z", "to")]
    [InlineData("from=2026-11-01T00:00:00Z&to=2026-11-01T00:00:00Z", "from")]
    [InlineData("from=2026-11-01T00:00:00Z&to=2026-11-01T00:30:00%2B01:00", "from")]
    [InlineData("from=0001-01-01T00:00:00%2B01:00", "from")]
    [InlineData("limit=201", "limit")]
    [InlineData("cursor=abc", "cursor")]
    [InlineData("target=x", "query")]
    [InlineData("actor=a&actor=b", "actor")]
    [InlineData("actor=%00", "query")]
    public async Task An_invalid_query_is_refused(string query, string path)
    {
        var acme = await app.Org("acme");

        var answer = (await (await acme.Admin()).Get($"/orgs/me/audit?{query}")).IsInvalid(path);

        if (path == "action")
            Assert.All(AuditAction.All, action => Assert.Contains(action, answer.Body, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_first_and_the_last_instant_are_accepted()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();

        Assert.NotEmpty(
            (await admin.Get("/orgs/me/audit?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59.9999999Z")).Is(200)["items"].EnumerateArray()
        );
        Assert.Empty((await admin.Get("/orgs/me/audit?from=9999-12-31T23:59:59.9999999Z")).Is(200)["items"].EnumerateArray());
    }

    [Fact]
    public async Task It_is_for_admins_and_superadmins_by_slug()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var root = await app.Superadmin();

        foreach (var role in new[] { "viewer", "user" })
            (await (await acme.Member(role)).Caller.Get("/orgs/me/audit?bogus=1")).IsProblem(403, "forbidden");
        (await (await acme.Plugin()).Get("/orgs/me/audit")).IsProblem(401, "unauthenticated");
        (await app.Stranger.Get("/orgs/me/audit")).IsProblem(401, "unauthenticated");
        (await (await acme.Admin()).Get($"/orgs/{globex.Slug}/audit")).IsProblem(404, "not-found");
        (await root.Get("/orgs/me/audit")).IsProblem(409, "no-organization");
        Assert.Equal(
            await acme.Count("audit_events"), (await root.Get($"/orgs/{acme.Slug}/audit?limit=200")).Is(200)["items"].GetArrayLength());
    }

    private async Task<Guid> Happened(Org org, DateTimeOffset at, string actor, string action)
    {
        // Within one millisecond ids of version 7 are in no order, and the list is in the order of ids.
        var id = new Guid(
            $"{at.ToUnixTimeMilliseconds():x12}"[..8] + "-" + $"{at.ToUnixTimeMilliseconds():x12}"[8..] + $"-7000-8000-{++_last:x12}");
        await app.Execute(
            """
            insert into audit_events (org_id, id, at, actor_type, actor_id, action, target_type, target_id, trace_id)
            values (@OrgId, @id, @at, 'member', @actor, @action, 'key', 'k', '')
            """,
            new { OrgId = org.Id, id, at, actor, action });
        return id;
    }

    private int _last;

    private static Guid Id(JsonElement item) => item.GetProperty("id").GetGuid();

    private static string Action(JsonElement item) => item.GetProperty("action").GetString()!;

    private static DateTimeOffset Time(JsonElement item) => item.GetProperty("at").GetDateTimeOffset();
}
