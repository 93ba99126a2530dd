using System.Globalization;
using Npgsql;

namespace ChatLogger.Tests.Import;

// An import is stopped in the middle.
public sealed partial class ImportCommandTests
{
    private const int StopLock = 4711;

    // A batch has at most a thousand messages, and its line is in the journal before the next one is sent.
    /// <summary>Lets the database wait with the first message of a chat until disposal: an import is then in the middle.</summary>
    private async Task<IAsyncDisposable> StopAt(int chat)
    {
        // A trigger fires on the node of its row, so the lock is held on each.
        var stop = new Stop([await app.Rows.OpenConnectionAsync(), .. await Workers()]);
        await stop.OnEachNode($"select pg_advisory_lock({StopLock})");
        if (CitusCluster.IsGiven)
            await stop.Execute("set citus.enable_unsafe_triggers to on");
        await stop.Execute(
            $"""
            create or replace function stop_here() returns trigger language plpgsql as $$
            begin
                if new.content = '{chat}-0' then
                    perform pg_advisory_xact_lock_shared({StopLock});
                end if;
                return new;
            end $$
            """);
        await stop.Execute("create or replace trigger stop_here before insert on messages for each row execute function stop_here()");
        return stop;
    }

    private async Task<List<NpgsqlConnection>> Workers()
    {
        var workers = new List<NpgsqlConnection>();
        if (!CitusCluster.IsGiven)
            return workers;
        foreach (var worker in (await app.Value<string[]>(
            "select array_agg(nodename || ':' || nodeport) from pg_dist_node where groupid <> 0"))!)
        {
            var connection = new NpgsqlConnection(
                new NpgsqlConnectionStringBuilder(app.ConnectionString)
                {
                    Host = worker.Split(':')[0],
                    Port = int.Parse(worker.Split(':')[1], CultureInfo.InvariantCulture),
                    Pooling = false,
                }.ConnectionString);
            await connection.OpenAsync();
            workers.Add(connection);
        }
        return workers;
    }

    // Other statements wait for locks, too.
    private Task IsStopped() => Wait.Until(
        async () => await app.OnNodes(
            $"""
            select count(*)
            from pg_locks
            where locktype = 'advisory'
              and objid = {StopLock}
              and database = (select oid from pg_database where datname = current_database())
              and not granted
            """) > 0,
        "an insert waits");

    // The first connection is that of the coordinator.
    private sealed class Stop(List<NpgsqlConnection> nodes) : IAsyncDisposable
    {
        public async Task OnEachNode(string sql)
        {
            foreach (var node in nodes)
                await Execute(node, sql);
        }

        public Task Execute(string sql) => Execute(nodes[0], sql);

        public async ValueTask DisposeAsync()
        {
            await OnEachNode($"select pg_advisory_unlock({StopLock})");
            await Execute("drop trigger stop_here on messages");
            await Execute("drop function stop_here");
            foreach (var node in nodes)
                await node.DisposeAsync();
        }

        private static async Task Execute(NpgsqlConnection node, string sql)
        {
            await using var command = node.CreateCommand();
            command.CommandText = sql;
            await command.ExecuteNonQueryAsync();
        }
    }
}
