using System.Text.Json;
using ChatLogger.Tests.Support;
using Dapper;

namespace ChatLogger.Tests.Features.Members;

public partial class MemberTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private const string NewPassword = "a new horse battery";

    private static readonly string[] Shape = ["id", "email", "name", "role", "status", "org", "createdAt"];

    private static string Nowhere => $"/orgs/me/users/{Guid.CreateVersion7()}";

    [Fact]
    public async Task The_list_is_the_organizations_own_newest_first_in_pages_with_the_disabled_and_without_the_removed()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var theirs = await globex.Admin();
        await globex.Member("user");
        var admin = await acme.Member("admin");
        var made = new List<Guid> { admin.Id };
        foreach (var role in new[] { "viewer", "user", "user", "viewer" })
        {
            await Task.Delay(2);
            made.Add((await acme.Member(role)).Id);
        }
        (await admin.Caller.Patch($"/orgs/me/users/{made[1]}", new { disabled = true })).Is(200);
        (await admin.Caller.Delete($"/orgs/me/users/{made[3]}")).Is(204);

        var first = (await admin.Caller.Get("/orgs/me/users?limit=2")).Is(200);
        // A member who joins in between does not shift the pages.
        await acme.Member("user");
        var second = (await admin.Caller.Get($"/orgs/me/users?limit=2&cursor={first.Text("nextCursor")}")).Is(200);

        var members = first["items"].EnumerateArray().Concat(second["items"].EnumerateArray()).ToList();
        Assert.Equal([made[4], made[2], made[1], made[0]], members.Select(member => member.GetProperty("id").GetGuid()));
        Assert.Equal(["active", "active", "disabled", "active"], members.Select(member => member.GetProperty("status").GetString()));
        Assert.All(members, member => Assert.Equal(Shape, member.EnumerateObject().Select(property => property.Name)));
        Assert.All(members, member => Assert.Equal(acme.Id, member.GetProperty("org").GetProperty("id").GetGuid()));
        Assert.Equal(JsonValueKind.Null, second["nextCursor"].ValueKind);
        Assert.DoesNotContain("$2", first.Body + second.Body, StringComparison.Ordinal);
        (await theirs.Get($"/orgs/me/users?cursor={first.Text("nextCursor")}")).IsInvalid("cursor");
        (await admin.Caller.Get("/orgs/me/users?limit=0")).IsInvalid("limit");
        (await admin.Caller.Get("/orgs/me/users?role=admin")).IsInvalid("query");
    }

    [Fact]
    public async Task Another_organizations_member_and_a_superadmin_do_not_exist()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var theirs = await globex.Member("user");
        var root = await app.Superadmin();
        var rootId = (await root.Get("/users/me")).Text("id");
        var admin = await acme.Admin();
        var unknown = (await admin.Patch(Nowhere, new { name = "x" })).IsProblem(404, "not-found").Comparable;

        foreach (var caller in new[] { admin, root })
        {
            var org = caller == root ? acme.Slug : "me";
            foreach (var id in new[] { $"{theirs.Id}", rootId, "no-id", $"{theirs.Id}".ToUpperInvariant() })
            {
                Assert.Equal(
                    unknown,
                    (await caller.Patch($"/orgs/{org}/users/{id}", new { role = "viewer", disabled = true }))
                        .IsProblem(404, "not-found")
                        .Comparable);
                Assert.Equal(unknown, (await caller.Delete($"/orgs/{org}/users/{id}")).IsProblem(404, "not-found").Comparable);
            }
        }
        (await admin.Get($"/orgs/{globex.Slug}/users")).IsProblem(404, "not-found");
        (
            await admin.Post(
                $"/orgs/{globex.Slug}/users",
                new
                {
                    email = "a@b.example",
                    role = "user",
                    password = NewPassword,
                })
        ).IsProblem(404, "not-found");
        (await admin.Delete($"/orgs/{globex.Slug}/users/{theirs.Id}")).IsProblem(404, "not-found");
        Assert.Equal("user", (await theirs.Caller.Get("/users/me")).Is(200).Text("role"));
        (await root.Get("/users/me")).Is(200);
        Assert.Equal(1, await globex.Count("users"));
    }

    [Theory]
    [InlineData("viewer")]
    [InlineData("user")]
    public async Task Only_an_admin_may_list_create_change_and_remove_members(string role)
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("viewer");
        var member = await acme.Member(role);

        (await member.Caller.Get("/orgs/me/users")).IsProblem(403, "forbidden");
        (
            await member.Caller.Post(
                "/orgs/me/users",
                new
                {
                    email = "a@b.example",
                    role = "user",
                    password = NewPassword,
                })
        ).IsProblem(403, "forbidden");
        (await member.Caller.Patch($"/orgs/me/users/{member.Id}", new { role = "admin" })).IsProblem(403, "forbidden");
        (await member.Caller.Patch($"/orgs/me/users/{ann.Id}", "{")).IsProblem(403, "forbidden");
        (await member.Caller.Delete($"/orgs/me/users/{ann.Id}")).IsProblem(403, "forbidden");

        Assert.Equal(2, await acme.Count("users"));
        Assert.Equal(role, (await member.Caller.Get("/users/me")).Is(200).Text("role"));
        (await ann.Caller.Get("/users/me")).Is(200);
    }

    [Fact]
    public async Task A_superadmin_acts_by_slug_a_plugin_and_a_stranger_not_at_all()
    {
        var acme = await app.Org("acme");
        var root = await app.Superadmin();
        var email = $"first-{Guid.NewGuid():N}@acme.example";

        var made = (await root.Post($"/orgs/{acme.Slug}/users", new { email, role = "user", password = NewPassword })).Is(201);
        Assert.Single((await root.Get($"/orgs/{acme.Slug}/users")).Is(200)["items"].EnumerateArray());
        (await root.Patch(made.Header("Location")!, new { role = "viewer" })).Is(200);
        (await root.Delete($"/orgs/{acme.Slug}/users/{made.Text("id")}")).Is(204);

        Assert.Equal(
            3,
            await app.Value<long>(
                "select count(*) from audit_events where org_id = @OrgId and actor_type = 'superadmin' and target_id = @Id and action "
                    + "like 'member.%'",
                new { OrgId = acme.Id, Id = made.Text("id") }));
        (await root.Get("/orgs/me/users")).IsProblem(409, "no-organization");
        (await (await acme.Plugin()).Get("/orgs/me/users")).IsProblem(401, "unauthenticated");
        (await (await acme.Plugin()).Delete($"/orgs/me/users/{made.Text("id")}")).IsProblem(401, "unauthenticated");
        (await app.Stranger.Post("/orgs/me/users", new { email, role = "user", password = NewPassword })).IsProblem(401, "unauthenticated");
        (await app.Stranger.Patch($"/orgs/me/users/{made.Text("id")}", "{")).IsProblem(401, "unauthenticated");
    }

    /// <summary>The actors of this action on this target in the organization's audit log.</summary>
    private async Task<IReadOnlyList<Guid>> Events(Org org, string action, string targetId)
    {
        var actors = await app.Value<string[]>(
            "select coalesce(array_agg(actor_id order by at, id), '{}') from audit_events where org_id = @Id and action = @action and "
                + "target_id = @targetId",
            new { org.Id, action, targetId });
        return [.. actors!.Select(Guid.Parse)];
    }
}
