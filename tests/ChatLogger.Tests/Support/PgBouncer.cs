using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ChatLogger.PrivatePostgres;
using Npgsql;

namespace ChatLogger.Tests.Support;

/// <summary>A PgBouncer before the test server, in the foreground, for one test.</summary>
internal sealed class PgBouncer : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(15);

    private readonly string _folder = Directory.CreateTempSubdirectory("chatlogger-pgbouncer-").FullName;
    private readonly Process _process;

    private PgBouncer(string database, string settings)
    {
        var behind = new NpgsqlConnectionStringBuilder(database);
        Port = FreePort();
        var file = Path.Combine(_folder, "pgbouncer.ini");
        var password = behind.Password is null ? "" : $"password={behind.Password}";
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"""
            [databases]
            * = host={behind.Host} port={behind.Port} user={behind.Username} {password}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {Port}
            unix_socket_dir =
            auth_type = any
            max_client_conn = 200
            default_pool_size = 60
            server_login_retry = 1
            {settings}
            """));
        var start = new ProcessStartInfo(Program!, [file])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = "/",
        };
        // It refuses to run as root, as PostgreSQL does, and needs the same access to the socket as PostgreSQL's account.
        if (!OperatingSystem.IsWindows() && ServerAccount.IsRoot)
        {
            File.SetUnixFileMode(_folder, File.GetUnixFileMode("/"));
            start.UserName = ServerAccount.For(null).Name!;
        }
        _process = Process.Start(start)!;
    }

    public static string? Program { get; } =
        new[] { "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer" }.FirstOrDefault(File.Exists);

    public int Port { get; }

    public static async Task<PgBouncer> Start(string database, string settings)
    {
        var pooler = new PgBouncer(database, settings);
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(20))
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, pooler.Port);
                return pooler;
            }
            catch (SocketException) when (waited.Elapsed < StartTimeout && !pooler._process.HasExited)
            {
            }
        }
    }

    /// <summary>The way to the same database through the pooler.</summary>
    public string Before(string database) => new NpgsqlConnectionStringBuilder(database)
    {
        Host = "127.0.0.1",
        Port = Port,
        SslMode = SslMode.Disable,
    }.ConnectionString;

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>A test with a real pooler.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PgBouncerTheoryAttribute : TheoryAttribute
{
    public PgBouncerTheoryAttribute()
    {
        if (PgBouncer.Program is null)
            Skip = "PgBouncer is not installed: apt-get install pgbouncer";
    }
}
