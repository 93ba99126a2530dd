using System.Globalization;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Testing;

/// <summary>
/// A Citus cluster for a test run. The variable names a database of its coordinator, of a superuser, to which the workers have been added;
/// each database of the tests is one on each node.
/// </summary>
internal sealed class CitusCluster
{
    private const string Variable = "CHATLOGGER_TEST_CITUS";

    private static readonly (string Table, string Column)[] Numbered =
    [
        ("chats", "seq"),
        ("messages", "seq"),
        ("feedback", "seq"),
        ("feedback_replaced", "until_seq"),
        ("organization_events", "seq"),
    ];

    private readonly string[] _nodes;

    private CitusCluster(string coordinator, IEnumerable<string> workers) => _nodes = [coordinator, .. workers];

    public static bool IsGiven => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 };

    public string Coordinator => _nodes[0];

    /// <summary>The cluster that the variable names; null: it is not set.</summary>
    public static async Task<CitusCluster?> Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } given)
            return null;
        var coordinator = new NpgsqlConnectionStringBuilder(DatabaseUrl.ToConnectionString(Variable, given));
        await using var source = NpgsqlDataSource.Create(coordinator);
        await using var command = source.CreateCommand("select nodename, nodeport from pg_dist_node where groupid <> 0 and isactive");
        await using var reader = await command.ExecuteReaderAsync();
        var workers = new List<string>();
        while (await reader.ReadAsync())
        {
            workers.Add(new NpgsqlConnectionStringBuilder(coordinator.ConnectionString)
            {
                Host = reader.GetString(0),
                Port = reader.GetInt32(1),
            }.ConnectionString);
        }
        return workers.Count > 0
            ? new CitusCluster(coordinator.ConnectionString, workers)
            : throw new InvalidOperationException($"{Variable} names a database without workers. Add them with citus_add_node.");
    }

    /// <summary>Runs a statement that is about databases on each node.</summary>
    public async Task OnEachNode(string sql)
    {
        foreach (var node in _nodes)
            await Execute(node, "set citus.enable_create_database_propagation = off", sql);
    }

    /// <summary>Makes an empty database part of the cluster.</summary>
    public async Task Join(string database)
    {
        foreach (var node in _nodes)
            await Execute(In(database, node), "create extension citus");
        var coordinator = new NpgsqlConnectionStringBuilder(Coordinator);
        await Execute(In(database, Coordinator), $"select citus_set_coordinator_host('{coordinator.Host}', {coordinator.Port})");
        foreach (var node in _nodes.Skip(1).Select(node => new NpgsqlConnectionStringBuilder(node)))
        {
            await Execute(
                In(database, Coordinator),
                string.Create(CultureInfo.InvariantCulture, $"select citus_add_node('{node.Host}', {node.Port})"));
        }
    }

    /// <summary>Spreads the tables of a migrated database as an operator does.</summary>
    public async Task Distribute(string database)
    {
        await using var source = NpgsqlDataSource.Create(In(database, Coordinator));
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(
            await File.ReadAllTextAsync(Path.Combine(Repository.Root, "db", "citus", "distribute.sql")), connection, transaction);
        await command.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
        // For rows that tests write by hand, as on one server. The service gives each row its number.
        foreach (var (table, column) in Numbered)
        {
            await using var numbers = new NpgsqlCommand(
                $"alter table {table} alter column {column} set default nextval('organization_log_seq')", connection);
            await numbers.ExecuteNonQueryAsync();
        }
    }

    /// <summary>Closes a database, also to the cluster's own background processes, so that it can be cloned.</summary>
    public async Task Close(string database)
    {
        await OnEachNode($"alter database \"{database}\" allow_connections false");
        await OnEachNode($"select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{database}'");
    }

    private static string In(string database, string node) =>
        new NpgsqlConnectionStringBuilder(node) { Database = database }.ConnectionString;

    private static async Task Execute(string node, params string[] statements)
    {
        await using var source = NpgsqlDataSource.Create(node);
        await using var connection = await source.OpenConnectionAsync();
        foreach (var sql in statements)
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync();
        }
    }
}
