using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using ChatLogger.PrivatePostgres;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Data;

/// <summary>The fixture of the private database's tests: its own root directory, and nothing left behind, however a test ends.</summary>
[UnsupportedOSPlatform("windows")]
public abstract class PrivateDatabaseFixture(PrivateDatabaseFixture.Made made) : IAsyncLifetime, IClassFixture<PrivateDatabaseFixture.Made>
{
    protected const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    protected const UnixFileMode Open =
        Closed | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly List<PrivateDatabase> _started = [];
    private readonly List<Process> _others = [];

    protected string Root { get; } = Path.Combine(Memory.Directory, $"chatlogger-test-{Guid.NewGuid().ToString("n")[..8]}");

    protected string Data => Path.Combine(Root, "data");

    // Durable, like an operator's; most tests do without.
    private protected PrivateDatabaseOptions Lasting => new(Data) { TempDirectory = Root, SystemDirectory = Path.Combine(Root, "system") };

    private protected PrivateDatabaseOptions Throwaway => Lasting with { Throwaway = true };

    public Task InitializeAsync()
    {
        Directory.CreateDirectory(Root, Open);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        foreach (var database in _started)
            await database.DisposeAsync();
        foreach (var process in _others)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }
        // Processes that a failed test left running have their files below this root.
        foreach (var directory in Directory.EnumerateDirectories(Root, "database*", SearchOption.AllDirectories).ToList())
        {
            var account = ServerAccount.For(Posix.Stat(directory, follow: false)?.Uid);
            foreach (var pid in ProcessTable.PostgresIn(directory, account))
                Posix.Signal(pid, Posix.Kill);
        }
        Directory.Delete(Root, recursive: true);
    }

    /// <summary>Not the first start: the cluster is there.</summary>
    private protected async Task<PrivateDatabase> StartAgain(PrivateDatabaseOptions options)
    {
        await Copy(made.Data, options.DataDirectory);
        return await Start(options);
    }

    protected static async Task Copy(string from, string to)
    {
        using var copy = Process.Start("cp", ["-a", from, to]);
        await copy.WaitForExitAsync();
        Assert.Equal(0, copy.ExitCode);
    }

    private protected async Task<PrivateDatabase> Start(PrivateDatabaseOptions options, ILogger? logger = null)
    {
        var database = await PrivateDatabase.Start(options, logger ?? NullLogger.Instance, CancellationToken.None);
        lock (_started)
            _started.Add(database);
        return database;
    }

    // Pooled connections would outlive the server.
    private protected static async Task<T> Scalar<T>(PrivateDatabase database, string sql)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    protected static async Task Eventually(Func<Task<bool>> isSo, [CallerArgumentExpression(nameof(isSo))] string what = "")
    {
        await Wait.Until(
            async () =>
            {
                try
                {
                    return await isSo();
                }
                catch (NpgsqlException)
                {
                    // Still down.
                    return false;
                }
            },
            what);
    }

    protected Process Run(string program, params string[] arguments)
    {
        // Its standard input stays open until it is killed.
        var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true }
        )!;
        _others.Add(process);
        return process;
    }

    protected static bool IsRunning(int pid) => ProcessTable.Find(pid) is { IsAlive: true };

    /// <summary>A stopped cluster, created once and copied for each test that is not about the first start.</summary>
    public sealed class Made : IAsyncLifetime
    {
        private readonly string _root = Path.Combine(Memory.Directory, $"chatlogger-test-{Guid.NewGuid().ToString("n")[..8]}");

        public string Data => Path.Combine(_root, "data");

        public async Task InitializeAsync()
        {
            Directory.CreateDirectory(_root, Open);
            var database = await PrivateDatabase.Start(new(Data) { TempDirectory = _root }, NullLogger.Instance, CancellationToken.None);
            await database.DisposeAsync();
        }

        public Task DisposeAsync()
        {
            Directory.Delete(_root, recursive: true);
            return Task.CompletedTask;
        }
    }
}
