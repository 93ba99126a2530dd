using ChatLogger.ExportJobs;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Organizations;

/// <summary>DELETE /orgs/{slug}: which access ends at once, and what stays.</summary>
public class DeleteOrganizationTests(OrganizationsApp app) : IClassFixture<OrganizationsApp>
{
    [Fact]
    public async Task With_an_organization_its_keys_sessions_and_logins_are_dead_on_every_instance()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var other = await app.AnotherInstance();
        try
        {
            var (member, plugin, root) = (await acme.Member("admin"), await acme.Plugin(), await app.Superadmin());
            var (neighbour, theirs) = (await globex.Admin(), await globex.Plugin());

            var answer = (await root.Delete($"/orgs/{acme.Slug}")).Is(202);

            Assert.Equal("", answer.Body);
            foreach (var instance in new[] { app, other })
            {
                (await instance.Stranger.WithCookie(member.Caller.Credential!).Get("/users/me")).IsProblem(401, "unauthenticated");
                (await instance.Stranger.WithCookie(member.Caller.Credential!).Get("/orgs/me")).IsProblem(401, "unauthenticated");
                (await instance.Stranger.WithKey(plugin.Credential!).Post($"{acme.ApiPath}/chats", new { })).IsProblem(
                    401,
                    "unauthenticated");
                (await instance.Stranger.Post("/auth/login", new { email = member.Email, password = Persona.Password })).IsProblem(
                    401,
                    "unauthenticated");
                (await instance.Stranger.WithCookie(root.Credential!).Get($"/orgs/{acme.Slug}")).IsProblem(404, "not-found");
                (await instance.Stranger.WithCookie(root.Credential!).Get($"/orgs/{acme.Slug}/chats")).IsProblem(404, "not-found");
                (await instance.Stranger.WithKey(theirs.Credential!).Post($"{globex.ApiPath}/chats", new { })).Is(201);
                (await instance.Stranger.WithCookie(neighbour.Credential!).Get("/orgs/me")).Is(200);
            }
            Assert.Equal(0, await app.Value<long>("select count(*) from sessions where user_id = @Id", new { member.Id }));
            Assert.Equal(
                0,
                await app.Value<long>("select count(*) from api_keys where org_id = @Id and revoked_at is null", new { acme.Id }));
            Assert.Equal("organization.created organization.deleted", await app.Events(acme));
            Assert.Equal(
                1,
                await app.Value<long>(
                    "select count(*) from audit_events where org_id = @Id and action = 'organization.deleted' and actor_type = "
                        + "'superadmin'",
                    new { acme.Id }));
            Assert.Equal("organization.created", await app.Events(globex));
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task It_is_deleted_once_and_its_slug_stays_taken()
    {
        var acme = await app.Org("acme");
        var root = await app.Superadmin();

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => root.Delete($"/orgs/{acme.Slug}")));

        Assert.Single(answers, answer => answer.Status == 202);
        Assert.All(answers.Where(answer => answer.Status != 202), answer => answer.IsProblem(404, "not-found"));
        (await root.Patch($"/orgs/{acme.Slug}", new { name = "Alive" })).IsProblem(404, "not-found");
        (await root.Post("/orgs", new { slug = acme.Slug, name = "Alive" })).IsProblem(409, "slug-taken");
        Assert.Equal("organization.created organization.deleted", await app.Events(acme));
        Assert.Equal("acme", await app.Value<string>("select name from organizations where id = @Id", new { acme.Id }));
    }

    [Fact]
    public async Task Its_exports_end_and_are_not_restarted()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await acme.Fill();
        await globex.Fill();
        var root = await app.Superadmin();

        (await root.Delete($"/orgs/{acme.Slug}")).Is(202);

        Assert.Equal("cancelled cancelled expired", await States(acme));
        Assert.Equal("done queued running", await States(globex));
        // Requested by a request that was authorized just before.
        await app.Execute(
            """
            insert into exports (id, org_id, requested_by, state, format, time_zone, created_at, next_attempt_at)
            values (gen_random_uuid(), @Id, @Id, 'queued', 'json', 'UTC', now(), now())
            """,
            new { acme.Id });
        var leases = app.Services.GetRequiredService<ExportLeases>();
        Assert.Null(await leases.Claim(CancellationToken.None));
        await app.Execute("update exports set next_attempt_at = now() where org_id = @Id and state = 'queued'", new { globex.Id });
        Assert.Equal(globex.Id, (await leases.Claim(CancellationToken.None))?.OrgId);
    }

    [Fact]
    public async Task A_failure_to_revoke_access_rolls_the_deletion_back()
    {
        var acme = await app.Org("acme");
        var (admin, plugin, root) = (await acme.Admin(), await acme.Plugin(), await app.Superadmin());
        await acme.Fill();
        await using var connection = await app.Rows.OpenConnectionAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var hold = new Npgsql.NpgsqlCommand(
                "select from exports where org_id = $1 and state = 'done' for update",
                connection,
                transaction);
            hold.Parameters.AddWithValue(acme.Id);
            await hold.ExecuteNonQueryAsync();

            (await root.Delete($"/orgs/{acme.Slug}")).IsProblem(503, "unavailable");
        }

        (await admin.Get("/orgs/me")).Is(200);
        (await plugin.Post($"{acme.ApiPath}/chats", new { })).Is(201);
        Assert.Equal("organization.created", await app.Events(acme));
        (await root.Delete($"/orgs/{acme.Slug}")).Is(202);
    }

    private Task<string?> States(Org org) =>
        app.Value<string>("select string_agg(state, ' ' order by state) from exports where org_id = @Id", new { org.Id });
}
