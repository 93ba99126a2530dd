using System.Collections.Concurrent;
using ChatLogger.Data;
using ChatLogger.PrivatePostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Testing;

/// <summary>
/// The real PostgreSQL of a test run: the server that <c>CHATLOGGER_TEST_DB</c> names, or a temporary one from the binaries on this
/// machine, or one that Docker runs. The real migrator creates a template once; every test class gets a clone of it. With
/// <c>CHATLOGGER_TEST_CITUS</c> the databases with a schema are distributed over that cluster (<see cref="CitusCluster"/>).
/// </summary>
internal sealed class TestServer : IDisposable
{
    private const string Variable = "CHATLOGGER_TEST_DB";

    private static readonly Lazy<Task<TestServer>> Running = new(Start);

    private readonly string _admin;
    // One connection that stays open costs less than one for each database that is created or dropped.
    private readonly NpgsqlDataSource _databases;
    private readonly ConcurrentDictionary<string, bool> _existing = new();
    private readonly string _template = $"chatlogger_template_{Guid.NewGuid():N}";
    // PostgreSQL refuses two clones of one template at a time.
    private readonly SemaphoreSlim _cloning = new(1);

    // How a database is cloned. Copying its files is quickest where no disk slows it down; elsewhere the server decides.
    private string _strategy = "";

    // Null: one server has all of a database.
    private readonly CitusCluster? _cluster;

    private TestServer(string admin, CitusCluster? cluster) =>
        (_admin, _databases, _cluster) = (admin, Pools.CreatePlain(admin), cluster);

    /// <summary>A database with the schema and no rows; its connection string.</summary>
    public static async Task<string> NewDatabase()
    {
        var server = await Running.Value;
        return await server.Create(server._template);
    }

    /// <summary>A database without anything in it.</summary>
    public static async Task<string> EmptyDatabase() => await (await Running.Value).Create("template0");

    public static async Task Drop(string connectionString)
    {
        var server = await Running.Value;
        await server.DropDatabase(new NpgsqlConnectionStringBuilder(connectionString).Database!);
    }

    private static async Task<TestServer> Start()
    {
        var cluster = await CitusCluster.Find();
        var server = new TestServer(cluster?.Coordinator ?? await AdminConnectionString(), cluster);
        await using (var settings = server._databases.CreateCommand("select current_setting('fsync') = 'off'"))
        {
            if (await settings.ExecuteScalarAsync() is true)
                server._strategy = "strategy file_copy";
        }
        await server.Execute($"create database \"{server._template}\" encoding 'UTF8' template template0");
        if (cluster is not null)
            await cluster.Join(server._template);
        await new Migrator(server.ConnectionString(server._template), NullLogger.Instance).Run(CancellationToken.None);
        server._existing[server._template] = true;
        if (cluster is not null)
        {
            await cluster.Distribute(server._template);
            await cluster.Close(server._template);
        }
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.DropAll().Wait();
        return server;
    }

    private static async Task<string> AdminConnectionString()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given)
        {
            return given.StartsWith("postgres", StringComparison.Ordinal) ? DatabaseUrl.ToConnectionString(Variable, given) : given;
        }
        if (PostgresBinaries.Find(null) is not null)
            return await ThrowawayServer();
        return await DockerPostgres.Start()
            ?? throw new InvalidOperationException(
                "The tests need a PostgreSQL 15 or later. Install it (apt-get install postgresql), or Node.js (npm: "
                    + $"{PostgresPrograms.WhyNot}), or start Docker, or set {Variable} to a connection string of a role that may create "
                    + "databases.");
    }

    private static async Task<string> ThrowawayServer()
    {
        // The test host is killed before its exit handlers have run: the next run removes what earlier runs left.
        var home = Path.Combine(Memory.Directory, $"chatlogger-tests-{Environment.UserName}");
        Directory.CreateDirectory(home);
        foreach (var leftover in Directory.GetDirectories(home))
        {
            try
            {
                if (
                    await PrivateDatabase.Discard(
                        new PrivateDatabaseOptions(leftover) { Throwaway = true },
                        NullLogger.Instance,
                        CancellationToken.None))
                    Directory.Delete(leftover, recursive: true);
            }
            // Another run removes it at this moment, or it belongs to another account; this run ignores both.
            catch (Exception failure) when (failure is PrivateDatabaseException or IOException or UnauthorizedAccessException)
            {
            }
        }

        var server = await PrivateDatabase.Start(
            new PrivateDatabaseOptions(Path.Combine(home, Guid.NewGuid().ToString("N")[..12])) { Throwaway = true },
            NullLogger.Instance,
            CancellationToken.None);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.DisposeAsync().AsTask().Wait();
        return server.ConnectionString;
    }

    public void Dispose()
    {
        _cloning.Dispose();
        _databases.Dispose();
    }

    private async Task<string> Create(string template)
    {
        var name = $"chatlogger_test_{Guid.NewGuid():N}";
        await _cloning.WaitAsync();
        try
        {
            await Execute($"create database \"{name}\" encoding 'UTF8' template \"{template}\" {_strategy}");
        }
        finally
        {
            _cloning.Release();
        }
        _existing[name] = true;
        return ConnectionString(name);
    }

    private async Task DropDatabase(string name)
    {
        await Execute($"drop database if exists \"{name}\" with (force)");
        _existing.TryRemove(name, out _);
    }

    private async Task DropAll()
    {
        foreach (var name in _existing.Keys)
            await DropDatabase(name);
    }

    private string ConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder(_admin) { Database = database, IncludeErrorDetail = true }.ConnectionString;

    private async Task Execute(string sql)
    {
        if (_cluster is not null)
        {
            await _cluster.OnEachNode(sql);
            return;
        }
        await using var command = _databases.CreateCommand(sql);
        // Dropping a database waits for a checkpoint, which is slow on a server that keeps its files on a busy disk.
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync();
    }
}
