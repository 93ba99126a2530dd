using System.Text.RegularExpressions;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Contracts;

/// <summary>
/// The schema can be spread by organization as db/citus/distribute.sql says: what Citus would refuse, plain PostgreSQL's catalog shows.
/// </summary>
public class CitusTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly string Script = File.ReadAllText(Path.Combine(Repository.Root, "db", "citus", "distribute.sql"));
    private static readonly string[] Distributed = Named("create_distributed_table");
    private static readonly string[] Reference = Named("create_reference_table");

    /// <summary>Tables that only refer to the directory, and to which no organization's rows refer.</summary>
    private static readonly string[] Local = ["password_failures", .. Named("citus_add_local_table_to_metadata")];

    [Fact]
    public async Task Every_table_has_its_place()
    {
        var all = await Column(
            "select relname::text from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and relname <> "
                + "'schemaversions' order by 1");

        Assert.Equal(all, Distributed.Concat(Reference).Concat(Local).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Distributed_tables_have_keys_and_references_that_begin_with_the_organization()
    {
        // Also of unique indexes that are no constraints. The column's place in the key is Citus' only question; ours is that it is the
        // first.
        Assert.Empty(await Column(
            """
            select i.indexrelid::regclass::text
            from pg_index i
            left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
            where i.indisunique
              and i.indrelid = any (@Tables::regclass[])
              and a.attname is distinct from 'org_id'
            """,
            Distributed));
        // A reference to a distributed table includes the organization, one to a reference table need not, and none to a local table
        // exists.
        Assert.Empty(await Column(
            """
            select k.conname::text
            from pg_constraint k
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
            join pg_attribute b on b.attrelid = k.confrelid and b.attnum = k.confkey[1]
            where k.contype = 'f'
              and k.conrelid = any (@Tables::regclass[])
              and not (k.confrelid = any (@Tables::regclass[]) and a.attname = 'org_id' and b.attname = 'org_id')
              and not k.confrelid = any (@Others::regclass[])
            """,
            Distributed,
            Reference));
        // No foreign key leads from the directory to an organization's rows, because they are on other nodes.
        Assert.Empty(await Column(
            """
            select conname::text
            from pg_constraint
            where contype = 'f'
              and confrelid = any (@Tables::regclass[])
              and not conrelid = any (@Tables::regclass[])
            """,
            Distributed));
        // A reference table may refer to reference tables only.
        Assert.Empty(await Column(
            """
            select conname::text
            from pg_constraint
            where contype = 'f'
              and conrelid = any (@Tables::regclass[])
              and not confrelid = any (@Tables::regclass[])
            """,
            Reference));
    }

    [Fact]
    public async Task Nothing_in_the_schema_sets_null_or_fires_or_excludes()
    {
        Assert.Empty(
            await Column("select conname::text from pg_constraint where contype = 'f' and (confdeltype <> 'a' or confupdtype <> 'a')"));
        Assert.Empty(await Column("select conname::text from pg_constraint where contype = 'x'"));
        Assert.Empty(await Column("select tgname::text from pg_trigger where not tgisinternal"));
        Assert.Empty(
            await Column(
                "select attrelid::regclass || '.' || attname from pg_attribute where attname = 'org_id' and not attnotnull and attrelid = "
                    + "any (@Tables::regclass[])",
                Distributed));
    }

    private static string[] Named(string function) =>
        [.. Regex.Matches(Script, $@"^select {function}\('(\w+)'", RegexOptions.Multiline).Select(match => match.Groups[1].Value)];

    private async Task<List<string>> Column(string sql, string[]? tables = null, string[]? others = null)
    {
        await using var command = app.Rows.CreateCommand(sql);
        if (tables is not null)
            command.Parameters.AddWithValue("Tables", tables);
        if (others is not null)
            command.Parameters.AddWithValue("Others", others);
        await using var reader = await command.ExecuteReaderAsync();
        var values = new List<string>();
        while (await reader.ReadAsync())
            values.Add(reader.GetString(0));
        return values;
    }
}
