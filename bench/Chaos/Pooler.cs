using System.Globalization;
using ChatLogger.PrivatePostgres;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// PgBouncer in transaction mode. It clears each session after each transaction (DISCARD ALL), so that nothing can live on what a session
/// remembers, and it ignores no start-up parameter.
/// </summary>
internal sealed class Pooler(Postgres postgres, string directory)
{
    private const string Program = "/usr/sbin/pgbouncer";

    private readonly string folder = Path.Combine(directory, "pgbouncer");

    /// <summary>Why there is none, or null.</summary>
    public static string? Missing => File.Exists(Program) ? null : "PgBouncer is not installed: apt-get install pgbouncer";

    public int Port { get; } = Postgres.FreePort();

    /// <summary>The port behind.</summary>
    public int Target { get; set; }

    private string PidFile => Path.Combine(folder, "pid");

    public async Task Start()
    {
        Directory.CreateDirectory(folder);
        postgres.Own(folder);
        var settings = Path.Combine(folder, "pgbouncer.ini");
        await File.WriteAllTextAsync(settings, string.Create(CultureInfo.InvariantCulture, $"""
            [databases]
            * = host=127.0.0.1 port={Target} user=drill
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {Port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            max_client_conn = 500
            default_pool_size = 40
            server_reset_query = DISCARD ALL
            server_reset_query_always = 1
            server_login_retry = 1
            logfile = {Path.Combine(folder, "log")}
            pidfile = {PidFile}
            """));
        postgres.Own(settings);
        await postgres.RunBeside(Program, "-d", settings);
    }

    public async Task Kill()
    {
        if (
            !File.Exists(PidFile)
            || !int.TryParse(await File.ReadAllTextAsync(PidFile), NumberStyles.Integer, CultureInfo.InvariantCulture, out var pid))
            return;
        Posix.Signal(pid, Posix.Kill);
        while (ProcessTable.Find(pid) is { IsAlive: true })
            await Task.Delay(5);
        File.Delete(PidFile);
    }
}
