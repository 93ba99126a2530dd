using System.Text.RegularExpressions;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Contracts;

/// <summary>
/// The schema can be spread by organization as db/citus/distribute.sql says: what Citus would refuse, plain PostgreSQL's catalog shows.
/// </summary>
public class CitusTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly string Script = File.ReadAllText(Path.Combine(Repository.Root, "db", "citus", "distribute.sql"));

    /// <summary>The plain tables of the coordinator.</summary>
    private static readonly string[] Directory =
    [
        .. Regex.Matches(Regex.Match(Script, @"directory constant text\[\] := array\[([^\]]*)\]").Groups[1].Value, "'(\\w+)'")
            .Select(match => match.Groups[1].Value),
    ];

    private const string DistributedTables =
        """
        select c.oid
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and a.attnotnull
        where c.relkind = 'r'
          and c.relnamespace = 'public'::regnamespace
          and c.relname <> all (@Directory)
        """;

    [Fact]
    public async Task Every_table_is_distributed_or_in_the_directory()
    {
        var distributed = await Column($"select oid::regclass::text from ({DistributedTables}) t");
        var all = await Column(
            "select relname::text from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and relname <> "
                + "'schemaversions' order by 1");

        Assert.Equal(all, distributed.Concat(Directory).Order(StringComparer.Ordinal));
        Assert.All(["chats", "messages", "organization_log", "outbox"], table => Assert.Contains(table, distributed));
    }

    [Fact]
    public async Task Distributed_tables_have_keys_and_references_that_begin_with_the_organization()
    {
        // Also of unique indexes that are no constraints. The column's place in the key is Citus' only question; ours is that it is the
        // first.
        Assert.Empty(await Column(
            $"""
            select i.indexrelid::regclass::text
            from pg_index i
            left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
            where i.indisunique
              and i.indrelid in ({DistributedTables})
              and a.attname is distinct from 'org_id'
            """));
        // References to the directory are dropped when the tables are distributed.
        Assert.Empty(await Column(
            $"""
            select k.conname::text
            from pg_constraint k
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
            join pg_attribute b on b.attrelid = k.confrelid and b.attnum = k.confkey[1]
            where k.contype = 'f'
              and k.conrelid in ({DistributedTables})
              and k.confrelid in ({DistributedTables})
              and not (a.attname = 'org_id' and b.attname = 'org_id')
            """));
        // No foreign key leads from the directory to an organization's rows, because they are on other nodes.
        Assert.Empty(await Column(
            $"""
            select conname::text
            from pg_constraint
            where contype = 'f'
              and confrelid in ({DistributedTables})
              and conrelid not in ({DistributedTables})
            """));
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
