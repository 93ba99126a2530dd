using Dapper;

namespace ChatLogger.Tests.Features.Members;

public partial class MemberTests
{
    [Fact]
    public async Task A_disabled_member_loses_access_at_once_and_logs_in_again_when_enabled()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var ann = await acme.Member("user");
        var other = await app.AnotherInstance();
        try
        {
            Assert.Equal("disabled", (await admin.Patch($"/orgs/me/users/{ann.Id}", new { disabled = true })).Is(200).Text("status"));
            var since = await app.Value<DateTime>("select disabled_at from users where id = @Id", new { ann.Id });
            (await admin.Patch($"/orgs/me/users/{ann.Id}", new { disabled = true, name = "Ann" })).Is(200);

            Assert.Equal(since, await app.Value<DateTime>("select disabled_at from users where id = @Id", new { ann.Id }));
            (await other.Stranger.WithCookie(ann.Caller.Credential!).Get("/users/me")).IsProblem(401, "unauthenticated");
            (await app.Stranger.Post("/auth/login", new { email = ann.Email, password = Persona.Password })).IsProblem(
                401,
                "unauthenticated");

            Assert.Equal("active", (await admin.Patch($"/orgs/me/users/{ann.Id}", new { disabled = false })).Is(200).Text("status"));
            (await ann.Caller.Get("/users/me")).IsProblem(401, "unauthenticated");
            await app.LogIn(ann.Email);
            Assert.Equal(3, (await Events(acme, "member.changed", $"{ann.Id}")).Count);
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task A_removed_member_remains_only_as_the_owner_of_their_chats()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var admin = await acme.Member("admin");
        var ann = await acme.Member("user");
        var chat = await acme.Chat(new { userId = ann.Id });
        var path = $"/orgs/me/users/{ann.Id}";
        var other = await app.AnotherInstance();
        try
        {
            (await other.Stranger.WithCookie(ann.Caller.Credential!).Get("/users/me")).Is(200);

            Assert.Equal("", (await admin.Caller.Delete(path)).Is(204).Body);

            (await other.Stranger.WithCookie(ann.Caller.Credential!).Get("/users/me")).IsProblem(401, "unauthenticated");
            (await app.Stranger.Post("/auth/login", new { email = ann.Email, password = Persona.Password })).IsProblem(
                401,
                "unauthenticated");
            Assert.Equal(ann.Id, (await admin.Caller.Get($"/orgs/me/chats/{chat}")).Is(200)["userId"].GetGuid());
            Assert.Equal(
                1,
                await app.Value<long>(
                    "select count(*) from users where id = @Id and email is null and name is null and password_hash is null and "
                        + "removed_at is not null",
                    new { ann.Id }));
            Assert.Equal(0, await app.Value<long>("select count(*) from sessions where user_id = @Id", new { ann.Id }));
            Assert.Equal([admin.Id], await Events(acme, "member.removed", $"{ann.Id}"));

            var unknown = (await admin.Caller.Delete(Nowhere)).IsProblem(404, "not-found").Comparable;
            Assert.Equal(unknown, (await admin.Caller.Delete(path)).IsProblem(404, "not-found").Comparable);
            Assert.Equal(
                unknown,
                (await admin.Caller.Patch(path, new { disabled = false, password = NewPassword })).IsProblem(404, "not-found").Comparable);
            Assert.Single(await Events(acme, "member.removed", $"{ann.Id}"));
            Assert.DoesNotContain(ann.Id.ToString(), (await admin.Caller.Get("/orgs/me/users")).Body, StringComparison.Ordinal);
            (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", new { userId = ann.Id })).IsProblem(404, "not-found");

            var again = (
                await (await globex.Admin()).Post(
                    "/orgs/me/users",
                    new
                    {
                        email = ann.Email,
                        role = "viewer",
                        password = NewPassword,
                    })
            ).Is(201);
            Assert.NotEqual(ann.Id, again["id"].GetGuid());
            Assert.Equal(
                globex.Slug,
                (await (await app.LogIn(ann.Email, NewPassword)).Get("/users/me")).Is(200)["org"].GetProperty("slug").GetString());
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task The_last_active_admin_cannot_be_demoted_disabled_or_removed_by_anyone()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await globex.Admin();
        var boss = await acme.Member("admin");
        var away = await acme.Member("admin");
        var gone = await acme.Member("admin");
        await acme.Member("user");
        (await boss.Caller.Patch($"/orgs/me/users/{away.Id}", new { disabled = true })).Is(200);
        (await boss.Caller.Delete($"/orgs/me/users/{gone.Id}")).Is(204);
        var path = $"users/{boss.Id}";

        foreach (var (caller, org) in new[] { (boss.Caller, "me"), (await app.Superadmin(), acme.Slug) })
        {
            foreach (
                var body in new[]
                {
                    """{"role":"user"}""",
                    """{"role":"viewer","name":"x"}""",
                    """{"disabled":true}""",
                    """{"role":"admin","disabled":true}""",
                })
                (await caller.Patch($"/orgs/{org}/{path}", body)).IsProblem(409, "last-admin");
            (await caller.Delete($"/orgs/{org}/{path}")).IsProblem(409, "last-admin");
        }
        Assert.Empty(await Events(acme, "member.changed", $"{boss.Id}"));
        Assert.Empty(await Events(acme, "member.removed", $"{boss.Id}"));
        Assert.Equal(
            1,
            await app.Value<long>(
                "select count(*) from users where id = @Id and role = 'admin' and name = 'admin' and disabled_at is null",
                new { boss.Id }));

        // A disabled admin does not count as an active one and can be demoted; once enabled again, either of the two can.
        (await boss.Caller.Patch($"/orgs/me/{path}", new { name = "Boss", role = "admin" })).Is(200);
        (await boss.Caller.Patch($"/orgs/me/users/{away.Id}", new { role = "viewer" })).Is(200);
        (await boss.Caller.Patch($"/orgs/me/users/{away.Id}", new { role = "admin", disabled = false })).Is(200);
        Assert.Equal("viewer", (await boss.Caller.Patch($"/orgs/me/{path}", new { role = "viewer" })).Is(200).Text("role"));
        (await boss.Caller.Get("/orgs/me/users")).IsProblem(403, "forbidden");
    }

    [Theory]
    [InlineData("""{"role":"user"}""")]
    [InlineData("""{"disabled":true}""")]
    [InlineData(null)]
    public async Task Two_admins_who_remove_each_other_concurrently_on_two_instances_leave_one(string? change)
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("admin");
        var bob = await acme.Member("admin");
        var other = await app.AnotherInstance();
        try
        {
            async Task<Answer> End(Caller caller, Guid id)
            {
                // A request whose wait for the lock timed out is sent again.
                while (true)
                {
                    var answer = await (
                        change is null ? caller.Delete($"/orgs/me/users/{id}") : caller.Patch($"/orgs/me/users/{id}", change));
                    if (answer.Status != 503)
                        return answer;
                }
            }
            await using var connection = await app.Rows.OpenConnectionAsync();
            await using var blocker = await connection.BeginTransactionAsync();
            await connection.ExecuteAsync("select from organizations where id = @Id for no key update", new { acme.Id });

            var both = new[] { End(ann.Caller, bob.Id), End(other.Stranger.WithCookie(bob.Caller.Credential!), ann.Id) };
            // Both requests are authorized, and wait for the lock on the organization.
            await app.Blocked(2);
            await blocker.CommitAsync();
            var answers = await Task.WhenAll(both);

            Assert.Single(answers, answer => answer.Status is 200 or 204);
            Assert.Single(answers, answer => answer.Status == 409).IsProblem(409, "last-admin");
            Assert.Equal(
                1,
                await app.Value<long>(
                    "select count(*) from users where org_id = @Id and role = 'admin' and disabled_at is null and removed_at is null",
                    new { acme.Id }));
        }
        finally
        {
            await other.Stop();
        }
    }

    [Theory]
    [InlineData("""{"disabled":true}""")]
    [InlineData("""{"password":"a new horse battery"}""")]
    [InlineData(null)]
    public async Task A_login_that_races_with_the_change_leaves_no_session(string? change)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var ann = await acme.Member("user");
        var path = $"/orgs/me/users/{ann.Id}";
        await using var connection = await app.Rows.OpenConnectionAsync();
        await using var blocker = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync("select from users where id = @Id for no key update", new { ann.Id });

        var login = app.Stranger.Post("/auth/login", new { email = ann.Email, password = Persona.Password });
        await app.Blocked(1);
        var end = change is null ? admin.Delete(path) : admin.Patch(path, change);
        await app.Blocked(2);
        await blocker.CommitAsync();

        (await end).Is(change is null ? 204 : 200);
        var cookie = (await login).Is(200).Header("Set-Cookie")!.Split(';')[0];
        (await app.Stranger.WithCookie(cookie).Get("/users/me")).IsProblem(401, "unauthenticated");
        Assert.Equal(0, await app.Value<long>("select count(*) from sessions where user_id = @Id", new { ann.Id }));
    }
}
