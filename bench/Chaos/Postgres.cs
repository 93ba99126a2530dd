using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ChatLogger.PrivatePostgres;
using Npgsql;

namespace ChatLogger.Bench.Chaos;

/// <summary>A PostgreSQL of the drill: default settings, above all for durability, except for address and connections.</summary>
internal sealed class Postgres
{
    public const int Stop = 19, Continue = 18;

    private const string User = "drill";

    private readonly PostgresBinaries binaries;
    private readonly ServerAccount account = ServerAccount.For(null);
    private readonly string cluster;
    private readonly string log;

    private readonly string settings;

    private Postgres(PostgresBinaries binaries, string directory, string name, string settings)
    {
        (this.binaries, this.settings) = (binaries, settings);
        cluster = Path.Combine(directory, name);
        log = Path.Combine(cluster, "log");
    }

    public int Port { get; } = FreePort();

    /// <param name="directory">The directory of the drill.</param>
    /// <param name="name">The name of its own directory in that.</param>
    /// <param name="settings">Options of the server, each behind <c>-c</c>, that are not the defaults.</param>
    public static async Task<Postgres> Create(string directory, string name = "cluster", string settings = "")
    {
        var postgres = new Postgres(
            PostgresBinaries.Find(null)
                ?? throw new UsageException("The drill needs the programs of PostgreSQL 15 or later: apt-get install postgresql."),
            directory,
            name,
            settings);
        if (!ProcessTable.CanSee)
            throw new UsageException("The drill kills processes that it finds in /proc: it needs Linux.");
        Directory.CreateDirectory(postgres.cluster);
        postgres.account.TakeOwnership(postgres.cluster);
        // What initdb writes need not survive a power cut; what the service writes is synced as always.
        await postgres.Run(
            postgres.binaries.InitDb,
            "-D",
            postgres.cluster,
            "-U",
            User,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions");
        await postgres.Start();
        await using var connection = await postgres.Connect("postgres");
        await using var create = new NpgsqlCommand("create database drill", connection);
        await create.ExecuteNonQueryAsync();
        return postgres;
    }

    public static string ConnectionString(int port, string database = "drill") =>
        new NpgsqlConnectionStringBuilder { Host = "127.0.0.1", Port = port, Username = User, Database = database }.ConnectionString;

    /// <summary>A connection of the drill's own, bypassing every proxy.</summary>
    public async Task<NpgsqlConnection> Connect(string database = "drill")
    {
        var connection = new NpgsqlConnection(
            ConnectionString(Port, database) + ";Pooling=false;Command Timeout=120;Application Name=drill");
        await connection.OpenAsync();
        return connection;
    }

    public Task Start() =>
        Run(
            binaries.PgCtl,
            "start",
            "-D",
            cluster,
            "-l",
            log,
            "-w",
            "-t",
            "60",
            "-o",
            string.Create(
                CultureInfo.InvariantCulture,
                $"-c listen_addresses=127.0.0.1 -c port={Port} -c unix_socket_directories= -c max_connections=200 {settings}"));

    /// <summary>SIGKILL for the first process and all that it has started.</summary>
    public async Task Kill()
    {
        if (Postmaster.Read(cluster) is { Pid: > 0 } first && ProcessTable.IsIn(first.Pid, cluster, account))
            Posix.Signal(first.Pid, Posix.Kill);
        while (ProcessTable.PostgresIn(cluster, account) is { Count: > 0 } left)
        {
            left.ForEach(pid => Posix.Signal(pid, Posix.Kill));
            await Task.Delay(5);
        }
        // No process is left, and a later process with the same number must not be mistaken for it.
        File.Delete(Postmaster.FileOf(cluster));
    }

    /// <summary>Stops all its processes, or continues them.</summary>
    public void Freeze(bool on)
    {
        foreach (var pid in ProcessTable.PostgresIn(cluster, account))
            Posix.Signal(pid, on ? Stop : Continue);
    }

    /// <summary>Statements of the drill's own.</summary>
    public async Task Execute(string sql, string database = "drill")
    {
        await using var connection = await Connect(database);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<long> Count(string sql, string database = "drill")
    {
        await using var connection = await Connect(database);
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>The ids that a statement finds.</summary>
    public async Task<List<Guid>> Ids(string sql)
    {
        await using var connection = await Connect();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var ids = new List<Guid>();
        while (await reader.ReadAsync())
            ids.Add(reader.GetGuid(0));
        return ids;
    }

    /// <summary>A program under the server's account.</summary>
    public Task RunBeside(string program, params string[] arguments) => Run(program, arguments);

    public void Own(string path) => account.TakeOwnership(path);

    private async Task Run(string program, params string[] arguments)
    {
        var result = await account.Run(program, arguments);
        if (result.ExitCode != 0)
            throw new UsageException($"{Path.GetFileName(program)} failed: {result.Output}");
    }

    // Below the ephemeral ports: while the server is down, another connection might take its port.
    public static int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(20_000, 30_000);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port) { ExclusiveAddressUse = true };
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken; there are others.
            }
        }
    }
}
