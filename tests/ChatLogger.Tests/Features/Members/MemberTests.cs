using System.Text.Json;
using ChatLogger.Tests.Support;
using Dapper;

namespace ChatLogger.Tests.Features.Members;

public class MemberTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private const string NewPassword = "a new horse battery";

    private static readonly string[] Shape = ["id", "email", "name", "role", "status", "org", "createdAt"];

    private static string Nowhere => $"/orgs/me/users/{Guid.CreateVersion7()}";

    [Theory]
    [InlineData("admin")]
    [InlineData("user")]
    [InlineData("viewer")]
    public async Task An_admin_makes_a_member_who_logs_in_at_once(string role)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Member("admin");
        var email = $"New.{Guid.NewGuid():N}@Acme.Example";

        var answer = (
            await admin.Caller.Post(
                "/orgs/me/users",
                new
                {
                    email = $" {email}",
                    name = "Ann Ä",
                    role,
                    password = NewPassword,
                })
        ).Is(201);

        Assert.Equal(Shape, answer.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal($"/orgs/me/users/{answer.Text("id")}", answer.Header("Location"));
        Assert.Equal(email.ToLowerInvariant(), answer.Text("email"));
        Assert.Equal("Ann Ä", answer.Text("name"));
        Assert.Equal(role, answer.Text("role"));
        Assert.Equal("active", answer.Text("status"));
        Assert.Equal($$"""{"id":"{{acme.Id}}","slug":"{{acme.Slug}}","name":"acme"}""", answer["org"].GetRawText());
        var login = (await app.Stranger.Post("/auth/login", new { email, password = NewPassword })).Is(200);
        Assert.Equal(answer.Body, login.Body);
        Assert.Equal(1, await app.Value<long>(
            "select count(*) from users where id = @Id::uuid and org_id = @OrgId and password_hash like '$2%' and updated_at = created_at",
            new { Id = answer.Text("id"), OrgId = acme.Id }));
        Assert.Equal([admin.Id], await Events(acme, "member.created", answer.Text("id")));
        Assert.DoesNotContain(
            app.Log.All,
            line => line.Contains(NewPassword, StringComparison.Ordinal) || line.Contains(email, StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("{}", "email")]
    [InlineData("""{"email":"no address","role":"user","password":"twelve bytes"}""", "email")]
    [InlineData("""{"email":"a@b.example","password":"twelve bytes"}""", "role")]
    [InlineData("""{"email":"a@b.example","role":"superadmin","password":"twelve bytes"}""", "role")]
    [InlineData("""{"email":"a@b.example","role":"Admin","password":"twelve bytes"}""", "role")]
    [InlineData("""{"email":"a@b.example","role":["admin"],"password":"twelve bytes"}""", "role")]
    [InlineData("""{"email":"a@b.example","role":"user"}""", "password")]
    [InlineData("""{"email":"a@b.example","role":"user","password":"elevenbytes"}""", "password")]
    [InlineData("""{"email":"a@b.example","role":"user","password":"twelve\u0000bytes"}""", "password")]
    [InlineData(
        """{"email":"a@b.example","role":"user","password":"seventy-two bytes of password are what bcrypt reads and not one more....."}""",
        "password"
    )]
    [InlineData("""{"email":"a@b.example","role":"user","password":"twelve bytes","name":1}""", "name")]
    [InlineData(
        """{"email":"a@b.example","role":"user","password":"twelve bytes","orgId":"0190a6e0-0000-7000-8000-000000000000"}""",
        "body"
    )]
    [InlineData("""{"email":"a@b.example","role":"user","password":"twelve bytes","disabled":true}""", "body")]
    public async Task What_is_not_in_the_shape_is_refused_and_makes_no_member(string body, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Admin()).Post("/orgs/me/users", body)).IsInvalid(path);

        Assert.Equal(1, await acme.Count("users"));
    }

    [Fact]
    public async Task An_address_is_taken_in_every_spelling_and_organization_and_who_finds_out_is_noted()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var taken = (await globex.Member("user")).Email;
        var admin = await acme.Member("admin");

        (
            await admin.Caller.Post(
                "/orgs/me/users",
                new
                {
                    email = taken.ToUpperInvariant(),
                    role = "user",
                    password = NewPassword,
                })
        ).IsProblem(409, "email-taken");
        (
            await admin.Caller.Post(
                "/orgs/me/users",
                new
                {
                    email = admin.Email,
                    role = "user",
                    password = NewPassword,
                })
        ).IsProblem(409, "email-taken");

        Assert.Equal(1, await acme.Count("users"));
        // Once a minute, and with nothing of what was asked.
        Assert.Equal([admin.Id], await Events(acme, "member.email-taken", acme.Id.ToString()));
        Assert.Equal(
            0,
            await app.Value<long>(
                "select count(*) from audit_events where org_id = @Id and action = 'member.email-taken'",
                new { globex.Id }));
        Assert.DoesNotContain(app.Log.All, line => line.Contains(taken, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Of_two_who_take_one_address_at_the_same_moment_one_gets_it()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var admins = new[] { await acme.Admin(), await globex.Admin() };
        var email = $"both-{Guid.NewGuid():N}@x.example";

        var answers = await Task.WhenAll(
            admins.Select(admin =>
                admin.Post(
                    "/orgs/me/users",
                    new
                    {
                        email,
                        role = "user",
                        password = NewPassword,
                    })));

        Assert.Equal([201, 409], answers.Select(answer => answer.Status).Order());
        Assert.Equal(1, await app.Value<long>("select count(*) from users where email = @email", new { email }));
    }

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
        // A member who joins meanwhile does not shift the pages.
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
    public async Task A_name_is_changed_left_alone_and_removed_and_only_a_change_is_written_down()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Member("admin");
        var ann = await acme.Member("user");
        var path = $"/orgs/me/users/{ann.Id}";

        var changed = (await admin.Caller.Patch(path, new { name = "Ann" })).Is(200);
        Assert.Equal(Shape, changed.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal("Ann", changed.Text("name"));
        foreach (
            var nothing in new[]
            {
                "{}",
                """{"name":null,"role":null,"disabled":null,"password":null}""",
                """{"name":"Ann"}""",
                """{"role":"user","disabled":false}""",
            })
            Assert.Equal(changed.Body, (await admin.Caller.Patch(path, nothing)).Is(200).Body);
        Assert.Single(await Events(acme, "member.changed", $"{ann.Id}"));
        Assert.Equal(JsonValueKind.Null, (await admin.Caller.Patch(path, new { name = "" })).Is(200)["name"].ValueKind);
        Assert.Equal([admin.Id, admin.Id], await Events(acme, "member.changed", $"{ann.Id}"));

        Assert.Null(await app.Value<string>("select name from users where id = @Id", new { ann.Id }));
        (await ann.Caller.Get("/users/me")).Is(200);
    }

    [Theory]
    [InlineData("""{"role":"superadmin"}""", "role")]
    [InlineData("""{"role":""}""", "role")]
    [InlineData("""{"disabled":"true"}""", "disabled")]
    [InlineData("""{"password":""}""", "password")]
    [InlineData("""{"password":"elevenbytes"}""", "password")]
    [InlineData("""{"email":"a@b.example"}""", "body")]
    [InlineData("""{"status":"disabled"}""", "body")]
    [InlineData("""{"orgId":"0190a6e0-0000-7000-8000-000000000000"}""", "body")]
    public async Task A_change_that_is_none_of_ours_is_refused(string body, string path)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var ann = await acme.Member("user");

        (await admin.Patch($"/orgs/me/users/{ann.Id}", body)).IsInvalid(path);
        (await admin.Patch($"/orgs/me/users/{ann.Id}", new { name = new string('x', 201) })).IsInvalid("name");
        // What is wrong with the request comes before the question whose it is.
        (await admin.Patch(Nowhere, body)).IsInvalid(path);

        Assert.Equal("user", (await ann.Caller.Get("/users/me")).Is(200).Text("role"));
        Assert.Empty(await Events(acme, "member.changed", $"{ann.Id}"));
    }

    [Fact]
    public async Task A_role_holds_from_the_next_request_on_in_the_sessions_there_are()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var ann = await acme.Member("viewer");
        var other = await app.AnotherInstance();
        try
        {
            var elsewhere = other.Stranger.WithCookie(ann.Caller.Credential!);
            (await elsewhere.Get("/orgs/me/users")).IsProblem(403, "forbidden");

            Assert.Equal("admin", (await admin.Patch($"/orgs/me/users/{ann.Id}", new { role = "admin" })).Is(200).Text("role"));
            (await elsewhere.Get("/orgs/me/users")).Is(200);

            (await admin.Patch($"/orgs/me/users/{ann.Id}", new { role = "user" })).Is(200);
            (await elsewhere.Get("/orgs/me/users")).IsProblem(403, "forbidden");
            (await ann.Caller.Get("/users/me")).Is(200);
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task A_password_set_by_an_admin_ends_all_sessions_of_that_member_and_of_nobody_else()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Member("admin");
        var ann = await acme.Member("user");
        var bob = await acme.Member("user");
        var phone = await app.LogIn(ann.Email);
        var other = await app.AnotherInstance();
        try
        {
            (await admin.Caller.Patch($"/orgs/me/users/{ann.Id}", new { password = NewPassword })).Is(200);

            (await ann.Caller.Get("/users/me")).IsProblem(401, "unauthenticated");
            (await other.Stranger.WithCookie(phone.Credential!).Get("/users/me")).IsProblem(401, "unauthenticated");
            Assert.Equal(0, await app.Value<long>("select count(*) from sessions where user_id = @Id", new { ann.Id }));
            (await app.Stranger.Post("/auth/login", new { email = ann.Email, password = Persona.Password })).IsProblem(
                401,
                "unauthenticated");
            await app.LogIn(ann.Email, NewPassword);
            (await bob.Caller.Get("/users/me")).Is(200);
            (await admin.Caller.Get("/users/me")).Is(200);
            Assert.Equal([admin.Id], await Events(acme, "member.changed", $"{ann.Id}"));
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task Ones_own_password_needs_the_current_one_and_is_not_set_here()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Member("admin");
        await acme.Admin();

        var answer = (await admin.Caller.Patch($"/orgs/me/users/{admin.Id}", new { password = NewPassword })).IsInvalid("password");

        Assert.Equal("Change your own password with PATCH /users/me.", answer["errors"].GetProperty("password")[0].GetString());
        await app.LogIn(admin.Email);
        Assert.Equal("Boss", (await admin.Caller.Patch($"/orgs/me/users/{admin.Id}", new { name = "Boss" })).Is(200).Text("name"));
    }

    [Fact]
    public async Task A_disabled_member_is_out_at_once_and_comes_back_with_a_new_login()
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
    public async Task A_removed_member_is_gone_everywhere_but_from_the_chats_that_were_theirs()
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
    public async Task The_last_active_admin_stays_one_whoever_asks()
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

        // The one who is away is no admin to count on, and may go; once back, either of them may.
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
    public async Task Two_admins_who_end_each_other_at_the_same_moment_on_two_instances_leave_one(string? change)
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("admin");
        var bob = await acme.Member("admin");
        var other = await app.AnotherInstance();
        try
        {
            async Task<Answer> End(Caller caller, Guid id)
            {
                // Who has waited for the lock for as long as one may before the other came waits again.
                while (true)
                {
                    var answer = await (
                        change is null ? caller.Delete($"/orgs/me/users/{id}") : caller.Patch($"/orgs/me/users/{id}", change));
                    if (answer.Status != 503)
                        return answer;
                }
            }
            await using var connection = await app.Rows.OpenConnectionAsync();
            await using var door = await connection.BeginTransactionAsync();
            await connection.ExecuteAsync("select from organizations where id = @Id for no key update", new { acme.Id });

            var both = new[] { End(ann.Caller, bob.Id), End(other.Stranger.WithCookie(bob.Caller.Credential!), ann.Id) };
            // Both have passed as admins, and wait for the organization.
            await app.Blocked(2);
            await door.CommitAsync();
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
    public async Task A_login_that_was_faster_by_a_moment_leaves_no_session(string? change)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var ann = await acme.Member("user");
        var path = $"/orgs/me/users/{ann.Id}";
        await using var connection = await app.Rows.OpenConnectionAsync();
        await using var door = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync("select from users where id = @Id for no key update", new { ann.Id });

        var login = app.Stranger.Post("/auth/login", new { email = ann.Email, password = Persona.Password });
        await app.Blocked(1);
        var end = change is null ? admin.Delete(path) : admin.Patch(path, change);
        await app.Blocked(2);
        await door.CommitAsync();

        (await end).Is(change is null ? 204 : 200);
        var cookie = (await login).Is(200).Header("Set-Cookie")!.Split(';')[0];
        (await app.Stranger.WithCookie(cookie).Get("/users/me")).IsProblem(401, "unauthenticated");
        Assert.Equal(0, await app.Value<long>("select count(*) from sessions where user_id = @Id", new { ann.Id }));
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
    public async Task Who_is_no_admin_may_neither_see_make_change_nor_remove_members(string role)
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

    /// <summary>Who did this to that, in the organization's audit log.</summary>
    private async Task<IReadOnlyList<Guid>> Events(Org org, string action, string targetId)
    {
        var actors = await app.Value<string[]>(
            "select coalesce(array_agg(actor_id order by at, id), '{}') from audit_events where org_id = @Id and action = @action and "
                + "target_id = @targetId",
            new { org.Id, action, targetId });
        return [.. actors!.Select(Guid.Parse)];
    }
}
