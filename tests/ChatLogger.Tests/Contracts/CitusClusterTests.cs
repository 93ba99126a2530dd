using ChatLogger.Configuration;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Contracts;

/// <summary>
/// What is true of a cluster only. That the service does the same on it as on one server is what all other tests say when they run on it.
/// </summary>
public class CitusClusterTests(App app) : IClassFixture<App>
{
    [CitusFact]
    public async Task The_service_knows_that_its_tables_are_distributed_and_the_script_may_run_again()
    {
        Assert.True(app.Services.GetRequiredService<Engine>().IsDistributed);
        var before = await app.Value<long>("select count(*) from pg_dist_partition");

        await app.Execute(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "db", "citus", "distribute.sql")));

        Assert.Equal(before, await app.Value<long>("select count(*) from pg_dist_partition"));
        Assert.False(await app.Value<bool>(
            """
            select exists (
                select
                from pg_dist_partition
                where logicalrelid::text in ('organizations', 'users', 'audit_events', 'exports')
            )
            """));
    }

    [CitusFact]
    public async Task A_new_table_of_organizations_is_taken_along()
    {
        await app.Execute("create table later (org_id uuid not null, id uuid not null, constraint later_pkey primary key (org_id, id))");

        await app.Execute(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "db", "citus", "distribute.sql")));

        Assert.True(await app.Value<bool>("select exists (select from pg_dist_partition where logicalrelid = 'later'::regclass)"));
    }

    [CitusFact]
    public async Task What_an_instance_left_in_the_outbox_another_one_delivers_once()
    {
        var acme = await app.Org("acme");
        var row = new { Org = acme.Id, Id = Guid.NewGuid() };
        const string Leave =
            """
            insert into outbox (org_id, id, at, actor_type, actor_id, action, target_type, target_id, trace_id)
            values (@Org, @Id, now(), 'user', 'somebody', 'chat.deleted', 'chat', @Id::text, '')
            """;
        await app.Execute(Leave, row);
        await app.Services.GetRequiredService<ConversationAudit>().Run(CancellationToken.None);
        // The instance was killed after it had delivered.
        await app.Execute(Leave, row);
        await app.Services.GetRequiredService<ConversationAudit>().Run(CancellationToken.None);

        Assert.Equal(1, await app.Value<long>("select count(*) from audit_events where org_id = @Org and id = @Id", row));
        Assert.Equal(0, await app.Value<long>("select count(*) from outbox where org_id = @Org", row));
    }

    [CitusFact]
    public async Task A_node_that_confirms_what_it_may_lose_ends_the_start()
    {
        var database = await app.Value<string>("select current_database()::text");
        await app.Value<string>(
            $"select max(result) from run_command_on_workers($$alter database \"{database}\" set synchronous_commit to off$$)");
        try
        {
            var refusal = await Assert.ThrowsAsync<StartupException>(app.AnotherInstance);

            Assert.Contains("synchronous_commit must be on", refusal.Message, StringComparison.Ordinal);
        }
        finally
        {
            await app.Value<string>(
                $"select max(result) from run_command_on_workers($$alter database \"{database}\" reset synchronous_commit$$)");
        }
    }
}
