using ChatLogger.Data;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Support;

/// <summary>
/// The real PostgreSQL of a test run: the server that <c>CHATLOGGER_TEST_DB</c> names, or a throw-away one from the binaries on this machine,
/// or one that Docker runs. The real migrator makes a template once; every test class gets a clone of it.
/// </summary>
internal sealed class TestServer : IDisposable
{
    private const string Variable = "CHATLOGGER_TEST_DB";

    private static readonly Lazy<Task<TestServer>> Running = new(Start);

    private readonly string _admin;
    private readonly string _template = $"chatlogger_template_{Guid.NewGuid():N}";
    // Two clones of one template at a time are refused.
    private readonly SemaphoreSlim _cloning = new(1);

    private TestServer(string admin) => _admin = admin;

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
        NpgsqlConnection.ClearAllPools();
        await server.Execute($"drop database if exists \"{new NpgsqlConnectionStringBuilder(connectionString).Database}\" with (force)");
    }

    private static async Task<TestServer> Start()
    {
        var server = new TestServer(await AdminConnectionString());
        await server.Execute($"create database \"{server._template}\" encoding 'UTF8' template template0");
        await new Migrator(server.ConnectionString(server._template), NullLogger.Instance).Run(CancellationToken.None);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Execute($"drop database if exists \"{server._template}\" with (force)").Wait();
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
                $"The tests need a PostgreSQL 15 or later. Install it (apt-get install postgresql), or Node.js (npm: {PostgresPrograms.WhyNot}), or start Docker, or set {Variable} to a connection string of a role that may create databases.");
    }

    private static async Task<string> ThrowawayServer()
    {
        // The test host is killed before its exit handlers are through: what earlier runs left is cleared away by the next.
        var home = Path.Combine(Memory.Directory, $"chatlogger-tests-{Environment.UserName}");
        Directory.CreateDirectory(home);
        foreach (var leftover in Directory.GetDirectories(home))
        {
            try
            {
                if (await PrivateDatabase.Discard(new PrivateDatabaseOptions(leftover) { Throwaway = true }, NullLogger.Instance, CancellationToken.None))
                    Directory.Delete(leftover, recursive: true);
            }
            // Another run clears it away at this moment, or it is another account's; neither is this run's business.
            catch (Exception failure) when (failure is StartRefused or IOException or UnauthorizedAccessException)
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

    public void Dispose() => _cloning.Dispose();

    private async Task<string> Create(string template)
    {
        var name = $"chatlogger_test_{Guid.NewGuid():N}";
        await _cloning.WaitAsync();
        try
        {
            await Execute($"create database \"{name}\" encoding 'UTF8' template \"{template}\"");
        }
        finally
        {
            _cloning.Release();
        }
        return ConnectionString(name);
    }

    private string ConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder(_admin) { Database = database, IncludeErrorDetail = true }.ConnectionString;

    private async Task Execute(string sql)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_admin) { Pooling = false });
        await using var command = source.CreateCommand(sql);
        // Dropping a database waits for a checkpoint, which takes its time on a server that keeps its files on a busy disk.
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync();
    }
}
