using System.Diagnostics;
using System.Runtime.CompilerServices;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Names of connection pools beside the common one. Each is small and for one kind of work, so that a heavy question waits for others of its
/// kind and never takes a connection from those who log messages.
/// </summary>
internal static class Pools
{
    /// <summary>For questions over many rows. Its statements may take as long as an analysis may.</summary>
    public const string Analytics = "analytics";

    /// <summary>For reading, writing and serving exports. Without a limit for a statement: a snapshot is read as long as it takes.</summary>
    public const string Exports = "exports";

    /// <summary>For what plugins need beside writing: whose key it is, and what was said under an Idempotency-Key. Members never take from it.</summary>
    public const string Plugins = "plugins";

    /// <summary>For writing chats and messages: few, for each statement carries the rows of many requests. Waits for locks only briefly.</summary>
    public const string Writing = "writing";

    /// <summary>The name of the one beside which these are.</summary>
    public const string Common = "common";

    private static readonly ConditionalWeakTable<NpgsqlDataSource, Measured> Known = [];

    /// <summary>A pool that is known by its name where it is measured. Without instruments nobody measures how long its connections are waited for.</summary>
    public static NpgsqlDataSource Create(
        string name, string connectionString, SessionSetup setup = SessionSetup.AtStartup, Instruments? instruments = null)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString) { Name = name };
        SessionParameters.SetUp(builder, setup);
        var pool = builder.Build();
        if (instruments is not null)
            Known.Add(pool, new(name, instruments));
        return pool;
    }

    /// <summary>A connection of the pool, and how long it was waited for.</summary>
    public static ValueTask<NpgsqlConnection> ConnectAsync(this NpgsqlDataSource pool, CancellationToken ct = default) =>
        Known.TryGetValue(pool, out var measured) && measured.Instruments.TimesConnections ? Connect(pool, measured, ct) : pool.OpenConnectionAsync(ct);

    private static async ValueTask<NpgsqlConnection> Connect(NpgsqlDataSource pool, Measured measured, CancellationToken ct)
    {
        var since = Stopwatch.GetTimestamp();
        try
        {
            return await pool.OpenConnectionAsync(ct);
        }
        finally
        {
            // Also when it was waited for in vain.
            measured.Instruments.Connected(measured.Name, Stopwatch.GetElapsedTime(since));
        }
    }

    private sealed record Measured(string Name, Instruments Instruments);
}
