using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.Features;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NSubstitute;

namespace ChatLogger.Tests.Features.Organizations;

/// <summary>The data of deleted organizations is removed in batches, and nothing else is.</summary>
public partial class PurgeOrganizationsTests(OrganizationsApp app) : IClassFixture<OrganizationsApp>
{
    private static readonly string[] Removed =
    [
        "api_keys",
        "organization_events",
        "chats",
        "chat_quarters",
        "chat_sums",
        "erased_ids",
        "erasures",
        "export_chats",
        "export_chunks",
        "exports",
        "feedback",
        "feedback_replaced",
        "followers",
        "idempotency_keys",
        "integration_events",
        "messages",
        "rollup_names",
        "rollups",
        "search_chunks",
        "search_index",
        "search_stale_tokens",
        "search_terms",
        "tombstones",
        "webhook_deliveries",
        "webhook_idle",
        "webhook_offsets",
        "webhooks",
    ];
    private static readonly string[] Kept = ["audit_events", "organization_log", "outbox", "users"];

    [Fact]
    public async Task Every_table_of_organizations_is_either_emptied_or_kept_on_purpose() => Assert.Equal(
        Removed.Concat(Kept).Order(StringComparer.Ordinal),
        (await app.Value<string[]>(
            """
            select array_agg(c.relname::text order by c.relname::text collate "C")
            from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped
            where c.relkind in ('r', 'p')
              and c.relnamespace = 'public'::regnamespace
            """))!);

    [Fact]
    public async Task Nothing_is_left_but_the_slug_the_bare_members_and_the_audit_log()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var member = await acme.Fill();
        await globex.Fill();
        await Delete(acme);
        // By requests that were authorized just before.
        await app.Execute(
            "insert into sessions (id, user_id, created_at, expires_at) values (gen_random_uuid(), @Id, now(), now() + interval '1 hour')",
            new { member.Id });
        await acme.Key();
        var before = await Snapshot(globex);
        var audit = await acme.Rows("audit_events");

        await app.Purge().Run(CancellationToken.None);

        foreach (var table in Removed)
            Assert.Equal((table, 0), (table, await acme.Count(table)));
        Assert.Equal(0, await app.Value<long>("select count(*) from sessions where user_id = @Id", new { member.Id }));
        Assert.True(
            await app.Value<bool>(
                "select email is null and name is null and password_hash is null and removed_at is not null from users where id = @Id",
                new { member.Id }));
        Assert.Equal(audit, await acme.Rows("audit_events"));
        Assert.True(await app.IsPurged(acme));
        Assert.Equal(before, await Snapshot(globex));
        Assert.Equal(
            0,
            await app.Value<long>(
                "select count(*) from organizations where id = @Id and (deleted_at is not null or purged_at is not null)",
                new { globex.Id }));
        // The address is free, the slug is not.
        await app.Send(new CreateMember.Command(globex.Id, member.Email, null, MemberRole.User, Persona.Password, Persona.Operator));
        (await (await app.Superadmin()).Post("/orgs", new { slug = acme.Slug, name = "Alive" })).IsProblem(409, "slug-taken");
    }

    [Fact]
    public async Task It_is_purged_again_until_no_request_can_be_in_flight()
    {
        var acme = await app.Org("acme");
        await acme.Fill();
        await Delete(acme);
        var patient = app.Purge(settings: new PurgeSettings { GracePeriod = TimeSpan.FromMinutes(2) });

        await patient.Run(CancellationToken.None);
        Assert.Equal(0, await acme.Count("chats"));
        Assert.False(await app.IsPurged(acme));
        await app.Execute(
            "insert into chats (org_id, id, created_at, updated_at) values (@Id, gen_random_uuid(), now(), now())",
            new { acme.Id });
        await app.Execute("update organizations set deleted_at = deleted_at - interval '2 minutes' where id = @Id", new { acme.Id });
        await patient.Run(CancellationToken.None);

        Assert.Equal(0, await acme.Count("chats"));
        Assert.True(await app.IsPurged(acme));
    }

    [Fact]
    public async Task Files_in_a_directory_go_with_the_exports()
    {
        var acme = await app.Org("acme");
        var root = Directory.CreateTempSubdirectory("chatlogger-purge-");
        try
        {
            await acme.Fill();
            var export = await app.Value<Guid>("select id from exports where org_id = @Id and state = 'done'", new { acme.Id });
            await app.Execute("delete from export_chunks where org_id = @Id", new { acme.Id });
            var folder = root.CreateSubdirectory(acme.Id.ToString()).FullName;
            await File.WriteAllTextAsync(Path.Combine(folder, $"{export}.1"), "abc");
            await Delete(acme);

            await app.Purge([
                    new ExportPurger(
                        app.Services.GetRequiredService<NpgsqlDataSource>(),
                        new FileExportStore(root.FullName),
                        app.Services.GetRequiredService<ExportMembership>()),
                ])
                .Run(CancellationToken.None);

            Assert.Empty(Directory.GetFiles(folder));
            Assert.Equal(0, await acme.Count("exports"));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_background_job_purges_deleted_organizations_and_stops_with_the_service()
    {
        var acme = await app.Org("acme");
        await acme.Fill();
        var endless = Substitute.For<IOrganizationPurger>();
        var begun = new TaskCompletionSource();
        var settings = new PurgeSettings { Interval = TimeSpan.FromMilliseconds(20), GracePeriod = TimeSpan.Zero };
        using (var purge = new PeriodicJobs([app.Purge(settings: settings)]))
        {
            await purge.StartAsync(CancellationToken.None);
            await Delete(acme);
            await Wait.Until(async () => await app.IsPurged(acme), "It was not found.");
            await purge.StopAsync(CancellationToken.None);
        }

        var globex = await app.Org("globex");
        await Delete(globex);
        endless.Purge(globex.Id, Arg.Any<CancellationToken>()).Returns(_ =>
        {
            begun.TrySetResult();
            return true;
        });
        using var stopped = new PeriodicJobs([app.Purge([endless])]);
        await stopped.StartAsync(CancellationToken.None);
        await Wait.For(begun.Task);
        await Wait.For(stopped.StopAsync(CancellationToken.None));

        Assert.True(stopped.ExecuteTask!.IsCompletedSuccessfully);
        Assert.False(await app.IsPurged(globex));
    }

    private async Task Delete(Org org) => (await (await app.Superadmin()).Delete($"/orgs/{org.Slug}")).Is(202);

    private static async Task<string> Snapshot(Org org)
    {
        var rows = new List<string>();
        foreach (var table in Removed.Concat(Kept))
            rows.Add($"{table} {await org.Rows(table)}");
        return string.Join('\n', rows);
    }
}
