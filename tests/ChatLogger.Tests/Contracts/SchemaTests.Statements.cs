using System.Text.RegularExpressions;

namespace ChatLogger.Tests.Contracts;

public partial class SchemaTests
{
    [Fact]
    public async Task Every_statement_on_a_tenants_table_names_the_organization()
    {
        var tables = await TablesWithOrganization();
        var source = Path.Combine(Repository.Root, "src", "ChatLogger");
        var statements =
            (from file in System.IO.Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
             where !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
             from Match literal in Literal().Matches(File.ReadAllText(file))
             let sql = Readable(literal.Value)
             where tables.Any(table => TenantStatement.Names(sql, table))
             select (File: Path.GetFileNameWithoutExtension(file), Sql: sql.Trim('$', '"'))).ToList();
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

    /// <summary>
    /// A default draws a number where the log is not locked; on a cluster the service has none, and only the tests' own rows do.
    /// </summary>
    [Fact]
    public async Task Every_statement_that_inserts_a_numbered_row_gives_its_number()
    {
        var numbered = await Column(
            """
            select format('%s.%s', d.adrelid::regclass, a.attname)
            from pg_attrdef d
            join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
            where pg_get_expr(d.adbin, d.adrelid) like 'nextval(%organization_log_seq%'
            order by 1
            """);
        var inserts =
            (from file in System.IO.Directory.EnumerateFiles(
                 Path.Combine(Repository.Root, "src", "ChatLogger"), "*.cs", SearchOption.AllDirectories)
             let text = File.ReadAllText(file)
             from column in numbered.Select(name => name.Split('.'))
             from Match insert in Regex.Matches(text, $@"insert into {column[0]}\b[^(]*\(([^)]*)\)")
             select (File: Path.GetFileName(file), Table: column[0], Gives: Regex.IsMatch(insert.Groups[1].Value, $@"\b{column[1]}\b")))
            .ToList();

        Assert.Equal(numbered.Count, inserts.Select(insert => insert.Table).Distinct().Count());
        Assert.All(inserts, insert => Assert.True(insert.Gives, $"{insert.File} gives no number to a row of {insert.Table}."));
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
        ("WebhookStore", "where w.state = 'active'", "the webhooks that are delivered to, of all"),
        ("WebhookStore", "join webhook_offsets p on p.org_id = l.org_id", "the webhooks with something to do, of all"),
        ("WebhookCleanup", "from organization_log l", "the organizations with something to remove, of all"),
        ("WebhookCleanup", "select org_id, id, secret, previous_secret from webhooks", "secrets to be encrypted anew, of all"),
        ("SessionAuthenticator", "where s.id = @SessionId", "the session of a token, which says whose organization it is"),
        ("FeedConsumer", "from organization_log l", "the organizations that a consumer is behind in, of all"),
        ("FeedLag", "from organization_log l", "a gauge for the operator, over all organizations"),
        ("IdempotencyKeyCleanup", "from organization_log l", "the organizations with expired keys, of all"),
        ("OrganizationEventsCleanup", "from organization_log l", "the organizations with events that nobody can ask for, of all"),
        ("OldIndexCleanup", "from organization_log l", "the organizations with an old index, of all"),
        ("EraseChats", "from organization_log l", "the organizations with erasures that are not done, of all"),
        ("ErasureCleanup", "from organization_log l", "the organizations with something to remove, of all"),
        ("EventPurger", "from organization_log l", "the organizations with old events, of all"),
        ("PurgeChats", "from organization_log l", "the organizations with deleted chats, of all"),
        ("ConversationAudit", "from organization_log l", "the organizations with something to deliver, of all"),
        ("LiveQueries", "join sessions s on s.id = k.session_id", "the members of sessions, some of whom are of no organization"),
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
        ("ExportLeases.Claim", "from exports waiting", "claims are for all organizations"),
        ("ExportLeases", "lease_until >= started_at + @HardLimit", "a sweep over all organizations"),
        ("ExportCleanup", "set state = 'expired', leftovers = true", "a sweep over all organizations"),
        ("ExportCleanup", "where outdated", "a sweep over all organizations"),
        ("ExportCleanup", "where leftovers", "a sweep over all organizations"),
    ];

    // A statement that runs on several tables of one shape is read with one of them, and one that names the organization by an expression
    // with one of its values.
    private static string Readable(string literal) =>
        literal.Replace("{table}", "export_chunks", StringComparison.Ordinal)
            .Replace("{values.OrgOfChat}", "c.org_id", StringComparison.Ordinal)
            .Replace("{values.OrgOfMessage}", "m.org_id", StringComparison.Ordinal);

    private Task<List<string>> TablesWithOrganization() => Column(
        """
        select c.relname::text
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
        where c.relkind in ('r', 'p')
          and c.relnamespace = 'public'::regnamespace
        order by 1
        """);

    /// <summary>Raw literals over several lines first, then strings on one line.</summary>
    [GeneratedRegex("\\$*\"\"\".*?\"\"\"|\"(?:[^\"\\\\\r\n]|\\\\.)*\"", RegexOptions.Singleline)]
    private static partial Regex Literal();
}
