using System.Net.Sockets;
using Dapper;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// The way from settings to a database that can be used: start the private server if there is to be one, wait for it, bring the schema up to
/// date. Nothing happens before <see cref="Open"/>.
/// </summary>
internal sealed partial class Database(DatabaseSettings settings, ILoggerFactory logs) : IAsyncDisposable
{
    private const int OldestMajor = 15;

    private readonly ILogger _log = logs.CreateLogger<Database>();
    private NpgsqlDataSource? _source;
    private NpgsqlDataSource? _analytics;
    private NpgsqlDataSource? _exports;
    private NpgsqlDataSource? _plugins;
    private NpgsqlDataSource? _writing;
    private PrivateDatabase? _private;

    /// <summary>The common pool. To be had after <see cref="Open"/>.</summary>
    public NpgsqlDataSource Source => _source ?? throw NotOpen();

    /// <inheritdoc cref="Pools.Analytics"/>
    public NpgsqlDataSource Analytics => _analytics ?? throw NotOpen();

    /// <inheritdoc cref="Pools.Exports"/>
    public NpgsqlDataSource Exports => _exports ?? throw NotOpen();

    /// <inheritdoc cref="Pools.Plugins"/>
    public NpgsqlDataSource Plugins => _plugins ?? throw NotOpen();

    /// <inheritdoc cref="Pools.Writing"/>
    public NpgsqlDataSource Writing => _writing ?? throw NotOpen();

    /// <summary>The private server, if that is what we run on.</summary>
    public PrivateDatabase? Private => _private;

    /// <exception cref="StartRefused">There is no usable database; the message says what to do.</exception>
    public async Task Open(CancellationToken ct)
    {
        var connection = settings.ConnectionString;
        if (connection is null)
        {
            _private = await PrivateDatabase.Start(
                new PrivateDatabaseOptions(settings.DataDirectory) { BinariesDirectory = settings.Binaries },
                logs.CreateLogger<PrivateDatabase>(),
                ct);
            connection = _private.ConnectionString;
        }

        var direct = settings.MigrationsConnectionString ?? connection;
        await WaitFor(direct, ct);
        await new Migrator(direct, logs.CreateLogger<Migrator>()).Run(ct);
        _source = Pools.Create(Pools.Common, settings.Complete(connection));
        _analytics = Pools.Create(Pools.Analytics, settings.CompleteForAnalytics(connection));
        _exports = Pools.Create(Pools.Exports, settings.CompleteForExports(connection));
        _writing = Pools.Create(Pools.Writing, settings.CompleteForWriting(connection));
        _plugins = Pools.Create(Pools.Plugins, settings.CompleteForPlugins(connection));
        if (settings.TransactionPooler)
            await CheckSessions(_source, ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (_source is not null)
            await _source.DisposeAsync();
        if (_analytics is not null)
            await _analytics.DisposeAsync();
        if (_exports is not null)
            await _exports.DisposeAsync();
        if (_plugins is not null)
            await _plugins.DisposeAsync();
        if (_writing is not null)
            await _writing.DisposeAsync();
        if (_private is not null)
            await _private.DisposeAsync();
    }

    private static InvalidOperationException NotOpen() => new("The database has not been opened yet.");

    // Services start together; a database that is a few seconds behind is no reason to fall over.
    private async Task WaitFor(string connectionString, CancellationToken ct)
    {
        var patience = Task.Delay(settings.StartTimeout, ct);
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, Timeout = 5 });
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(ct);
                if (connection.PostgreSqlVersion.Major < OldestMajor)
                    throw new StartRefused($"The database is PostgreSQL {connection.PostgreSqlVersion}; {OldestMajor} or later is needed.");
                if (await connection.ExecuteScalarAsync<string>("show server_encoding") != "UTF8")
                    throw new StartRefused("The database's encoding is not UTF8. Create it with: create database chatlogger encoding 'UTF8' template template0");
                return;
            }
            catch (PostgresException refused) when (refused.SqlState[..2] is not ("57" or "53" or "08"))
            {
                throw new StartRefused($"The database refuses the connection: {refused.MessageText} ({refused.SqlState}).");
            }
            catch (Exception exception) when (exception is NpgsqlException or SocketException or TimeoutException)
            {
                if (patience.IsCompleted)
                    throw new StartRefused($"The database cannot be reached: {exception.Message}");
                if (attempt == 0)
                    Waiting(_log, exception.Message);
                await Task.WhenAny(Task.Delay(500, ct), patience);
                ct.ThrowIfCancellationRequested();
            }
        }
    }

    // Elsewhere a session is told when it starts. Behind a pooler it is whatever role and database say, and what is promised depends on it.
    private static async Task CheckSessions(NpgsqlDataSource source, CancellationToken ct)
    {
        var wrong = await source.QuerySingleOrDefaultAsync<string>(
            """
            select string_agg(format('%s is %s; run: alter role %I set %s = %L', wanted.name, current_setting(wanted.name), current_user, wanted.name, wanted.values[1]), ', ')
            from (values
                ('synchronous_commit', array['on', 'remote_apply']),
                ('default_transaction_isolation', array['read committed']),
                ('timezone', array['UTC'])) as wanted(name, values)
            where current_setting(wanted.name) <> all (wanted.values)
            """,
            new { },
            ct);
        if (wrong is not null)
            throw new StartRefused($"Behind a transaction pooler sessions are as the database makes them: {wrong}.");
    }

    [LoggerMessage(LogLevel.Warning, "Waiting for the database: {Reason}")]
    private static partial void Waiting(ILogger log, string reason);
}
