using Dapper;
using Npgsql;

namespace ChatLogger.Tests.Contracts;

// What a request has changed: triggers count it.
public sealed partial class HostileInputTests
{
    private NpgsqlConnection _changes = null!;
    private NpgsqlCommand _lastChange = null!;

    public async Task InitializeAsync()
    {
        _changes = await app.Rows.OpenConnectionAsync();
        if (CitusCluster.IsGiven)
        {
            // A trigger fires on the node of its row, and writes there.
            await _changes.ExecuteScalarAsync<string>($"select max(result) from run_command_on_workers($sql${ChangesTable}$sql$)");
            await _changes.ExecuteAsync("set citus.enable_unsafe_triggers to on");
        }
        await _changes.ExecuteAsync(ChangesTable + RecordChangesSql);
        _lastChange = _changes.CreateCommand();
        _lastChange.CommandText = CitusCluster.IsGiven
            ? "select string_agg(result, ',' order by nodeid) from run_command_on_all_nodes('select coalesce(max(id), 0) from changes')"
            : "select coalesce(max(id), 0)::text from changes";
        // The query runs after each of thousands of requests.
        await _lastChange.PrepareAsync();
    }

    public async Task DisposeAsync()
    {
        await _lastChange.DisposeAsync();
        await _changes.DisposeAsync();
    }

    private const string ChangesTable =
        "create table if not exists changes (id bigint generated always as identity primary key, what text not null);";

    /// <summary>
    /// Records each committed change to a tenant's row, except in the audit log, the counters of throttling, the offsets of consumers
    /// (which no request writes), and the last use of a key.
    /// </summary>
    private const string RecordChangesSql =
        """
        create or replace function record_change() returns trigger language plpgsql as $$
        begin
            if tg_op = 'UPDATE' and to_jsonb(old) - 'last_used_at' = to_jsonb(new) - 'last_used_at' then
                return null;
            end if;
            insert into changes (what) values (tg_op || ' ' || tg_table_name);
            return null;
        end $$;
        do $$
        declare
            tenant regclass;
        begin
            for tenant in
                select c.oid::regclass
                from pg_class c
                where c.relkind in ('r', 'p') and not c.relispartition
                  and c.relnamespace = 'public'::regnamespace
                  and c.relname not in ('audit_events', 'changes', 'followers')
                  and c.relname !~ 'attempt|throttl|rate_|failure|counter'
                  and (c.relname = 'organizations' or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id'
                      and not a.attisdropped))
            loop
                execute format(
                    'create or replace trigger record_change after insert or update or delete on %s '
                    'for each row execute function record_change()', tenant);
            end loop;
        end $$;
        """;

    // The last change on each node.
    private async Task<string> Changes() => (string)(await _lastChange.ExecuteScalarAsync())!;

    /// <summary>How many chats and messages were written since.</summary>
    private Task<long> Written(string since)
    {
        const string Inserts = "select count(*) from changes where what ~ '^INSERT (chats|messages)(_[0-9]+)?$'";
        return App.OnNodes(
            CitusCluster.IsGiven
                ? $"{Inserts} and id > (array[{since}])[1 + (select groupid from pg_dist_local_group)]"
                : $"{Inserts} and id > {since}");
    }

    private Task<string?> LastChange() => _changes.ExecuteScalarAsync<string?>(
        CitusCluster.IsGiven
            ? "select string_agg(result, ', ') from run_command_on_all_nodes('select what from changes order by id desc limit 1')"
            : "select what from changes order by id desc limit 1");
}
