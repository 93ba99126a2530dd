using System.Text.RegularExpressions;
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
        "arrivals",
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
            ["chats", "messages", "feedback", "audit_events", "idempotency_keys", "followers", "rollups", "search_chunks"],
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
    public async Task Nothing_cascades_sets_null_or_fires()
    {
        Assert.Empty(
            await Column("select conname::text from pg_constraint where contype = 'f' and (confdeltype <> 'a' or confupdtype <> 'a')"));
        Assert.Empty(await Column("select tgname::text from pg_trigger where not tgisinternal"));
        Assert.Empty(await Column("select rulename::text from pg_rules where schemaname = 'public'"));
    }

    [Fact]
    public async Task Every_constraint_has_a_name_that_somebody_chose()
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
            "chats_user_id_fkey",
            "insert into chats (org_id, id, user_id, created_at, updated_at) values (@Foreign, gen_random_uuid(), @Member, now(), now())");
        await IsRefused(
            "feedback_chat_id_fkey",
            "insert into feedback (org_id, target_id, chat_id, rating, at) values (@Foreign, @Chat, @Chat, 'up', now())");
        await IsRefused(
            "chats_user_id_fkey",
            "update users set org_id = @Foreign where id = @Member",
            async () =>
                await app.Execute(
                    "insert into chats (org_id, id, user_id, created_at, updated_at) values (@Own, gen_random_uuid(), @Member, now(), "
                        + "now())",
                    foreign));
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
            Assert.Equal(constraint, refusal.ConstraintName);
        }
    }

    [Fact]
    public async Task Every_statement_on_a_table_with_an_organization_is_held_to_one()
    {
        var tables = await TablesWithOrganization();
        var source = Path.Combine(Repository.Root, "src", "ChatLogger");
        var statements =
            (from file in System.IO.Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
             where !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
             from Match literal in Literal().Matches(File.ReadAllText(file))
             where tables.Any(table => TenantStatement.Names(literal.Value, table))
             select (File: Path.GetFileNameWithoutExtension(file), Sql: literal.Value.Trim('$', '"'))).ToList();
        var unheld = statements.Where(statement => TenantStatement.Forgotten(statement.Sql, tables).Count > 0).ToList();

        Assert.True(statements.Count >= 40, "The statements are no longer found where they were looked for.");
        Assert.All(
            unheld,
            statement =>
                Assert.True(
                    Unheld.Any(exempt => exempt.File == statement.File && statement.Sql.Contains(exempt.Sql, StringComparison.Ordinal)),
                    $"{statement.File} does not hold {string.Join(", ", TenantStatement.Forgotten(statement.Sql, tables))} to an "
                        + $"organization: {statement.Sql}"));
        Assert.All(
            Unheld,
            exempt =>
                Assert.True(
                    unheld.Any(statement => exempt.File == statement.File && statement.Sql.Contains(exempt.Sql, StringComparison.Ordinal)),
                    $"No statement in {exempt.File} needs the exemption \"{exempt.Sql}\" any more: remove it."));
        Assert.All(statements, statement => Assert.DoesNotContain("select *", statement.Sql, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("select id from chats where org_id = @OrgId and id = @Id", "")]
    [InlineData("select id from chats where id = @Id", "chats")]
    [InlineData("select org_id, id from chats where id = @Id", "chats")]
    [InlineData("select org_id from chats where org_id = org_id", "chats")]
    [InlineData("select 1 from chats c left join feedback f on f.org_id = c.org_id and f.target_id = c.id where c.org_id = @OrgId", "")]
    [InlineData("select 1 from chats c left join feedback f on f.org_id = c.org_id and f.target_id = c.id where c.id = @Id", "c f")]
    [InlineData("select 1 from chats c left join feedback f on f.target_id = c.id where c.org_id = @OrgId", "f")]
    [InlineData(
        "select 1 from chats c cross join lateral (select count(*) from messages where org_id = c.org_id) m where c.org_id = @OrgId",
        ""
    )]
    [InlineData(
        "select 1 from chats c cross join lateral (select count(*) from messages where chat_id = c.id) m where c.org_id = @OrgId",
        "messages"
    )]
    [InlineData("select 1 from chats c cross join lateral (select count(*) from messages where org_id = c.org_id) m where c.id = @Id", "c")]
    [InlineData("select 1 from chats c, messages m where c.org_id = @OrgId and m.chat_id = c.id", "m")]
    [InlineData("update chats set title = @Title where id = @Id returning org_id", "chats")]
    [InlineData("delete from messages m using chats c where c.org_id = @OrgId and m.org_id = c.org_id", "")]
    [InlineData("insert into messages (org_id, id) select org_id, @Id from chats where org_id = @OrgId and id = @ChatId for share", "")]
    [InlineData("insert into messages (id) select @Id from chats where org_id = @OrgId", "messages")]
    [InlineData("insert into messages as m (org_id, id) values (@OrgId, @Id)", "")]
    [InlineData("insert into messages as m (id) values (@Id)", "messages")]
    [InlineData("insert into messages (org_id, id) select org_id, @Id from chats where id = @ChatId", "chats")]
    [InlineData("with chats as (select id from feedback where org_id = @OrgId) select id from chats", "")]
    [InlineData("select id from chats where org_id = @OrgId union all select id from messages where id = @Id", "messages")]
    [InlineData("select 1 from chats -- where org_id = @OrgId", "chats")]
    public void A_statement_that_forgets_its_organization_is_found(string sql, string forgotten) =>
        Assert.Equal(forgotten, string.Join(' ', TenantStatement.Forgotten(sql, ["chats", "messages", "feedback"])));

    /// <summary>
    /// The statements that come before the organization is known, or are for all of them, each known by a piece of its text. Everything
    /// else names its organization.
    /// </summary>
    private static readonly (string File, string Sql, string Because)[] Unheld =
    [
        ("AuthorizationMiddleware", "where s.id = @SessionId", "the session of a token, which says whose organization it is"),
        ("DatabaseApiKeys", "where k.public_id = @PublicId", "the key by its public id, which says whose organization it is"),
        ("Login", "where u.email = @Email", "the member by e-mail address, before it is known of which organization"),
        ("CreateMember", "where email = @Email", "an e-mail address belongs to one member of all organizations together"),
        ("Login", "where id = @MemberId", "the member that the address and password belong to"),
        ("Login", "set password_hash = @Renewed", "the member that the address and password belong to"),
        ("SetPassword", "where email = @Email", "the member whom the operator names, who may be of no organization"),
        ("SetPassword", "org_id is not distinct from @OrgId", "the member whom the operator names, who may be of no organization"),
        ("ListCommands", "where role = 'superadmin'", "superadmins, who are of no organization"),
        ("GetProfile", "where u.id = @UserId", "the member of the session, who may be of no organization"),
        ("ChangeProfile", "select password_hash from users where id = @UserId", "the member of the session, who may be of no organization"),
        ("ChangeProfile", "where id = @UserId", "the member of the session, who may be of no organization"),
        ("BootstrapSettings", "select from users where email = @Email", "whether the first superadmin is there"),
        (
            "BootstrapSettings",
            "select from api_keys where public_id = @PublicId",
            "whether the first key is there; public ids are unique over all"),
        ("ExportBacklog", "as oldest_seconds", "a count for the operator, over all organizations"),
        ("ExportLeases", "from exports waiting", "claims are for all organizations"),
        ("ExportLeases", "lease_until >= started_at + @HardLimit", "a sweep over all organizations"),
        ("ExportCleanup", "set state = 'expired', leftovers = true", "a sweep over all organizations"),
        ("ExportCleanup", "where outdated", "a sweep over all organizations"),
        ("ExportCleanup", "where leftovers", "a sweep over all organizations"),
    ];

    private Task<List<string>> TablesWithOrganization() => Column(
        """
        select c.relname::text
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
        where c.relkind in ('r', 'p')
          and c.relnamespace = 'public'::regnamespace
        order by 1
        """);

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

    /// <summary>Raw literals over several lines first, then strings on one line.</summary>
    [GeneratedRegex("\\$*\"\"\".*?\"\"\"|\"(?:[^\"\\\\\r\n]|\\\\.)*\"", RegexOptions.Singleline)]
    private static partial Regex Literal();
}
