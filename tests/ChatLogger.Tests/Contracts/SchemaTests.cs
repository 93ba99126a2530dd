using Npgsql;

namespace ChatLogger.Tests.Contracts;

/// <summary>The schema, and every statement, isolate tenants.</summary>
public partial class SchemaTests(App app) : IClassFixture<App>
{
    /// <summary>
    /// Small tables that come before the tenant is known, or are worked on for all of them. Every other table with an organization is one
    /// of its conversations.
    /// </summary>
    private static readonly string[] Directory =
    [
        "organizations",
        "users",
        "api_keys",
        "sessions",
        "exports",
        "password_failures",
        "webhooks",
    ];

    private const string TenantTables =
        """
        select c.oid, c.relname
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and a.attnotnull
        where c.relkind in ('r', 'p')
          and c.relnamespace = 'public'::regnamespace
          and c.relname <> all (@Directory)
        """;

    [Fact]
    public async Task Every_table_belongs_to_the_directory_or_to_an_organization()
    {
        var tenant = await Column($"select relname::text from ({TenantTables}) t order by 1");
        var all = await Column(
            "select relname::text from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and relname <> "
                + "'schemaversions' order by 1");

        Assert.All(
            ["chats", "messages", "feedback", "audit_events", "idempotency_keys", "followers", "rollups", "search_index", "search_terms"],
            table => Assert.Contains(table, tenant));
        Assert.Equal(all, tenant.Concat(Directory).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_key_foreign_key_and_index_of_a_tenants_table_begins_with_its_organization()
    {
        var constraints = await Column(
            $"""
            select t.relname || '.' || k.conname
            from ({TenantTables}) t
            join pg_constraint k on k.conrelid = t.oid and k.contype in ('p', 'u', 'f', 'x')
            join pg_attribute a on a.attrelid = t.oid and a.attnum = k.conkey[1]
            where a.attname <> 'org_id'
            """);
        var indexes = await Column(
            $"""
            select t.relname || '.' || i.indexrelid::regclass
            from ({TenantTables}) t
            join pg_index i on i.indrelid = t.oid
            left join pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[0]
            where a.attname is distinct from 'org_id'
            """);
        // Between two tenants' tables the organization is part of the reference.
        var references = await Column(
            $"""
            select t.relname || '.' || k.conname
            from ({TenantTables}) t
            join pg_constraint k on k.conrelid = t.oid and k.contype = 'f' and k.confrelid <> 'organizations'::regclass
            join pg_attribute a on a.attrelid = k.confrelid and a.attnum = k.confkey[1]
            where a.attname <> 'org_id'
            """);

        Assert.Empty(constraints);
        Assert.Empty(indexes);
        Assert.Empty(references);
        Assert.NotEmpty(
            await Column($"select k.conname::text from ({TenantTables}) t join pg_constraint k on k.conrelid = t.oid and k.contype = 'f'"));
    }

    [Fact]
    public async Task Nothing_cascades_sets_null_fires_or_excludes()
    {
        Assert.Empty(
            await Column(
                """
                select conname::text
                from pg_constraint
                where contype = 'f'
                  and (confdeltype <> 'a' or confupdtype <> 'a')
                  and connamespace = 'public'::regnamespace
                """));
        Assert.Empty(
            await Column(
                """
                select tgname::text
                from pg_trigger t
                join pg_class c on c.oid = t.tgrelid and c.relnamespace = 'public'::regnamespace
                where not tgisinternal
                """));
        Assert.Empty(
            await Column("select conname::text from pg_constraint where contype = 'x' and connamespace = 'public'::regnamespace"));
        Assert.Empty(await Column("select rulename::text from pg_rules where schemaname = 'public'"));
    }

    [Fact]
    public async Task Every_constraint_is_named_explicitly()
    {
        // What PostgreSQL makes up for a table or column check ends in _check or _checkN and is not in the scripts.
        var scripts = string.Concat(ChatLogger.Data.Migrator.Embedded.Select(script => script.Text));
        var names = await Column(
            """
            select conname::text
            from pg_constraint
            where connamespace = 'public'::regnamespace
              and contype in ('p', 'u', 'f', 'c', 'x')
              and conrelid <> 'schemaversions'::regclass
            """);

        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.Matches($@"\b{name}\b", scripts));
    }

    [Fact]
    public async Task A_child_of_another_organization_is_refused_by_the_schema_itself()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var chat = Guid.Parse(await acme.Chat());
        var member = (await acme.Member("user")).Id;
        var foreign = new { Foreign = globex.Id, Own = acme.Id, Chat = chat, Member = member };

        await IsRefused(
            "messages_chat_id_fkey",
            "insert into messages (org_id, chat_id, id, role, content, created_at) values (@Foreign, @Chat, gen_random_uuid(), 'user', "
                + "'a', now())");
        await IsRefused(
            "feedback_chat_id_fkey",
            "insert into feedback (org_id, target_id, chat_id, rating, at) values (@Foreign, @Chat, @Chat, 'up', now())");
        // Of distributed tables none refers to those of the coordinator.
        if (!CitusCluster.IsGiven)
        {
            await IsRefused(
                "chats_user_id_fkey",
                "insert into chats (org_id, id, user_id, created_at, updated_at) values (@Foreign, gen_random_uuid(), @Member, now(), "
                    + "now())");
            await IsRefused(
                "chats_user_id_fkey",
                "update users set org_id = @Foreign where id = @Member",
                async () =>
                    await app.Execute(
                        "insert into chats (org_id, id, user_id, created_at, updated_at) values (@Own, gen_random_uuid(), @Member, now(), "
                            + "now())",
                        foreign));
        }
        await IsRefused("users_superadmin_check", "update users set role = 'superadmin' where id = @Member");
        await IsRefused(
            "users_superadmin_check",
            "update users set org_id = null where id = @Member",
            async () => await app.Execute("delete from chats where user_id = @Member", foreign));
        Assert.Equal(0, await globex.Count("messages"));

        async Task IsRefused(string constraint, string sql, Func<Task>? first = null)
        {
            if (first is not null)
                await first();
            var refusal = await Assert.ThrowsAsync<PostgresException>(() => app.Execute(sql, foreign));
            Assert.Equal(constraint, ChatLogger.Data.Engine.Constraint(refusal));
        }
    }

    private async Task<List<string>> Column(string sql)
    {
        await using var command = app.Rows.CreateCommand(sql);
        if (sql.Contains("@Directory", StringComparison.Ordinal))
            command.Parameters.AddWithValue("Directory", Directory);
        await using var reader = await command.ExecuteReaderAsync();
        var values = new List<string>();
        while (await reader.ReadAsync())
            values.Add(reader.GetString(0));
        return values;
    }
}
