using ChatLogger.Configuration;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>Checks the privileges of the service's role on the tables that the migrating role created.</summary>
internal static class PrivilegeCheck
{
    /// <exception cref="StartupException">The connection uses another schema than migrations do, or a privilege is missing; the message
    /// says what to run.</exception>
    public static async Task Check(NpgsqlDataSource db, string? migrated, CancellationToken ct)
    {
        // Name resolution skips a schema without the usage privilege. In this order of checks, each answer names the next statement to run.
        var missing = await db.ReadSingleOrDefaultAsync<string>(
            """
            select case
                when current_schema() is null then format(
                    'Nothing on its search_path (%s) may be used. Run as the owner: grant usage on schema %I to %I',
                    current_setting('search_path'), split_part(@Migrated, '.', 2), current_user)
                when to_regclass('schemaversions') is null then format(
                    'There are no tables in its schema %I; migrations went into %s. '
                        'Give both connections the same search_path and database.',
                    current_schema(), @Migrated)
                end
            """,
            new { Migrated = migrated ?? "" },
            ct);
        if (missing is not null)
            throw new StartupException($"The service's role cannot see the tables. {missing}");

        var found = await db.ReadSingleOrDefaultAsync<string>(Migrator.FindSchema, new { }, ct);
        if (migrated is not null && found != migrated)
            throw new StartupException(
                $"Migrations went into {migrated}, but the service's connections look into {found}. "
                    + "Give both the same search_path and database."
            );

        var grants = await db.QuerySingleOrDefaultAsync<string>(
            """
            with journal as (
                select relnamespace as schema, relowner as owner
                from pg_class
                where oid = to_regclass('schemaversions')
            ), ours as (
                select c.oid, c.relname, c.relkind
                from pg_class c
                join journal on c.relnamespace = journal.schema and c.relowner = journal.owner
                where c.relkind in ('r', 'p', 'S')
            ), missing as (
                select relname
                from ours
                where case
                    when relkind = 'S' then not (has_sequence_privilege(oid, 'usage') and has_sequence_privilege(oid, 'select'))
                    when relname = 'schemaversions' then not has_table_privilege(oid, 'select')
                    else not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
                        and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete'))
                    end
            )
            select format(
                'The role %1$I lacks rights on %2$s. Run as %3$I: grant usage on schema %4$I to %1$I; '
                    || 'grant select, insert, update, delete on all tables in schema %4$I to %1$I; '
                    || 'grant usage, select on all sequences in schema %4$I to %1$I; '
                    || 'alter default privileges in schema %4$I grant select, insert, update, delete on tables to %1$I; '
                    || 'alter default privileges in schema %4$I grant usage, select on sequences to %1$I',
                current_user, string_agg(relname, ', ' order by relname), pg_get_userbyid(journal.owner),
                (select nspname from pg_namespace where oid = journal.schema))
            from missing, journal
            group by journal.owner, journal.schema
            """,
            new { },
            ct);
        if (grants is not null)
            throw new StartupException(grants);
    }
}
