using System.Data;
using ChatLogger.Configuration;
using Dapper;
using DbUp.Engine;
using DbUp.Engine.Output;
using DbUp.Engine.Transactions;
using DbUp.Postgresql;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// The journal of migrations: which scripts a database has, whether they are the ones that this program knows, and what the role lacks to
/// run the others.
/// </summary>
internal sealed class MigrationJournal(NpgsqlConnection connection, IReadOnlyList<Migrator.Script> scripts)
{
    /// <summary>Returns the scripts that the database does not have yet, in order.</summary>
    /// <exception cref="StartupException">A script was edited after it ran, or the database is newer than this program.</exception>
    public async Task<List<Migrator.Script>> Pending()
    {
        var closed = await connection.ExecuteScalarAsync<string>(
            """
            select format(
                'The role %1$I may not read the journal of migrations. Run as %2$I: grant select on %3$s to %1$I',
                current_user, pg_get_userbyid(relowner), oid::regclass)
            from pg_class
            where oid = to_regclass('schemaversions') and not has_table_privilege(oid, 'select')
            """);
        if (closed is not null)
            throw new StartupException(closed);
        // Reads the row as JSON, so that missing columns are null.
        var journal = await connection.ExecuteScalarAsync<bool>("select to_regclass('schemaversions') is null")
            ? []
            : (await connection.QueryAsync<(string Name, string? Checksum, bool? Compatible)>(
                """
                select scriptname, to_jsonb(s) ->> 'checksum', (to_jsonb(s) ->> 'compatible')::boolean
                from schemaversions s
                """)).AsList();
        foreach (var (name, checksum, compatible) in journal)
        {
            var script = scripts.FirstOrDefault(script => script.Name == name);
            if (script is null && compatible != true)
                throw new StartupException(
                    $"The database is newer than this program: it has the migration {name}, which this version does not know, "
                    + "and which is not recorded as compatible with it. "
                    + "Start the version that made it, or a later one; to go back further, restore a backup.");
            if (script is not null && checksum is not null && checksum != script.Checksum)
                throw new StartupException(
                    $"The migration {name} was edited after it was applied to this database. "
                    + "Restore the script and put the change into a new one.");
        }
        return [.. scripts.Where(script => journal.TrueForAll(applied => applied.Name != script.Name))];
    }

    /// <summary>Creates the journal, or adds its later columns.</summary>
    /// <exception cref="StartupException">The role lacks a privilege; the message names the statement that grants it.</exception>
    public async Task Prepare(List<Migrator.Script> write)
    {
        var refusal = await connection.ExecuteScalarAsync<string>(
            """
            select case
                when current_schema() is null then coalesce(
                    (
                        -- It is there, but lookups pass over a schema that may not be used. Who finds it migrated needs to make nothing.
                        select format(
                            'The role %1$I may not use the schema %2$I. Run as its owner: grant %3$s on schema %2$I to %1$I',
                            current_user, nspname, case when migrated then 'usage' else 'create, usage' end)
                        from regexp_split_to_table(replace(current_setting('search_path'), '"', ''), ' *, *')
                             with ordinality as path (name, no)
                        join pg_namespace n on nspname = case name when '$user' then current_user else name end
                        cross join lateral (
                            select exists (select from pg_class where relnamespace = n.oid and relname = 'schemaversions')
                        ) as found (migrated)
                        order by no
                        limit 1
                    ),
                    format(
                        'The search_path (%s) names no schema that is there. Run: create schema %I authorization %I',
                        current_setting('search_path'), split_part(replace(current_setting('search_path'), '"', ''), ',', 1), current_user))
                when not has_schema_privilege(current_schema(), 'create') then format(
                    'The role %I may not make tables in the schema %I. Run as its owner: grant create, usage on schema %I to %I',
                    current_user, current_schema(), current_schema(), current_user)
                when @NeedsExtension
                    and not exists (select from pg_extension where extname = 'btree_gin')
                    and not has_database_privilege(current_database(), 'create')
                    then format(
                    'The extension btree_gin is missing, and the role %I may not make it. '
                        'Run in this database, as its owner: create extension btree_gin; or grant create on database %I to %I',
                    current_user, current_database(), current_user)
                end
            """,
            new
            {
                NeedsExtension = write.Exists(script =>
                    script.Text.Contains("create extension if not exists btree_gin", StringComparison.Ordinal)),
            });
        if (refusal is not null)
            throw new StartupException(refusal);
        await connection.ExecuteAsync(
            """
            create table if not exists schemaversions (
                schemaversionsid serial not null constraint schemaversions_pkey primary key,
                scriptname varchar(255) not null,
                applied timestamp without time zone not null
            );
            alter table schemaversions add column if not exists checksum varchar(64);
            alter table schemaversions add column if not exists compatible boolean;
            """);
    }

    /// <summary>DbUp's journal, with UTC times wherever the program runs, and with the two additional columns.</summary>
    public sealed class Writer(
        Func<IConnectionManager> manager,
        Func<IUpgradeLog> upgradeLog,
        NpgsqlConnection connection,
        List<Migrator.Script> scripts) : PostgresqlTableJournal(manager, upgradeLog, null, "schemaversions")
    {
        public override void StoreExecutedScript(SqlScript script, Func<IDbCommand> dbCommandFactory)
        {
            var applied = scripts.Single(each => each.Name == script.Name);
            connection.Execute(
                """
                insert into schemaversions (scriptname, applied, checksum, compatible)
                values (@Name, now() at time zone 'UTC', @Checksum, @Compatible)
                """,
                new { applied.Name, applied.Checksum, Compatible = applied.IsCompatible });
        }
    }
}
