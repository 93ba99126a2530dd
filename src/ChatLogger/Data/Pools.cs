using System.Diagnostics;
using System.Runtime.CompilerServices;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// The names of the connection pools. Each pool besides the common one is small and serves one kind of work, so that an expensive query
/// only delays others of its kind and never takes a connection from message logging.
/// </summary>
internal static class Pools
{
    /// <summary>For queries over many rows. Its statements may take as long as the analytics deadline.</summary>
    public const string Analytics = "analytics";

    /// <summary>For reading, writing and serving exports. It has no statement timeout, because reading a snapshot may take long.</summary>
    public const string Exports = "exports";

    /// <summary>
    /// For plugin API look-ups other than writes: API keys, results stored under an Idempotency-Key, and, once for each organization, its
    /// secret. The dashboard API uses it for that secret only.
    /// </summary>
    public const string Plugins = "plugins";

    /// <summary>
    /// For writing chats and messages. It is small, because each statement carries the rows of many requests, and has a short lock timeout.
    /// </summary>
    public const string Writing = "writing";

    /// <summary>The common pool.</summary>
    public const string Common = "common";

    private static readonly ConditionalWeakTable<NpgsqlDataSource, Measured> Known = [];

    /// <summary>Creates a pool whose metrics have its name. Without instruments nothing measures the wait for its connections.</summary>
    public static NpgsqlDataSource Create(
        string name, string connectionString, SessionSetup setup = SessionSetup.AtStartup, Instruments? instruments = null)
    {
        var builder = Builder(connectionString);
        builder.Name = name;
        SessionParameters.SetUp(builder, setup);
        var pool = builder.Build();
        if (instruments is not null)
            Known.Add(pool, new(name, instruments));
        return pool;
    }

    /// <summary>Creates a pool without a name and metrics, and leaves its sessions as they are.</summary>
    public static NpgsqlDataSource CreatePlain(string connectionString) => Builder(connectionString).Build();

    /// <summary>Opens a connection of the pool and measures the wait for it.</summary>
    public static ValueTask<NpgsqlConnection> ConnectAsync(this NpgsqlDataSource pool, CancellationToken ct = default) =>
        Known.TryGetValue(pool, out var measured) && measured.Instruments.TimesConnections
            ? Connect(pool, measured, ct)
            : pool.OpenConnectionAsync(ct);

    private static async ValueTask<NpgsqlConnection> Connect(NpgsqlDataSource pool, Measured measured, CancellationToken ct)
    {
        var since = Stopwatch.GetTimestamp();
        try
        {
            return await pool.OpenConnectionAsync(ct);
        }
        finally
        {
            // Measures failed attempts too.
            measured.Instruments.Connected(measured.Name, Stopwatch.GetElapsedTime(since));
        }
    }

    // The types of the schema are built in: to ask for others would be the most expensive statement of a start, once for each pool.
    private static NpgsqlDataSourceBuilder Builder(string connectionString) =>
        new NpgsqlDataSourceBuilder(connectionString).ConfigureTypeLoading(types => types.EnableTypeLoading(false));

    private sealed record Measured(string Name, Instruments Instruments);
}
