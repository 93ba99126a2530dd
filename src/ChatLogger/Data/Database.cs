using ChatLogger.Configuration;
using ChatLogger.PrivatePostgres;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Opens a usable database from the settings: starts the private server if configured, waits until the database accepts connections, and
/// runs the migrations. Nothing happens before <see cref="Open"/>.
/// </summary>
internal sealed class Database(DatabaseSettings settings, ILoggerFactory logs, Instruments? instruments = null) : IAsyncDisposable
{
    private readonly ILogger _log = logs.CreateLogger<Database>();
    private NpgsqlDataSource? _source;
    private NpgsqlDataSource? _analytics;
    private NpgsqlDataSource? _exports;
    private NpgsqlDataSource? _plugins;
    private NpgsqlDataSource? _writing;
    private PrivateDatabase? _private;
    private Engine? _engine;

    /// <summary>What the database runs on, known after <see cref="Open"/>.</summary>
    public Engine Engine => _engine ?? throw NotOpen();

    /// <summary>The common pool, available after <see cref="Open"/>.</summary>
    public NpgsqlDataSource Source => _source ?? throw NotOpen();

    /// <inheritdoc cref="Pools.Analytics"/>
    public NpgsqlDataSource Analytics => _analytics ?? throw NotOpen();

    /// <inheritdoc cref="Pools.Exports"/>
    public NpgsqlDataSource Exports => _exports ?? throw NotOpen();

    /// <inheritdoc cref="Pools.Plugins"/>
    public NpgsqlDataSource Plugins => _plugins ?? throw NotOpen();

    /// <inheritdoc cref="Pools.Writing"/>
    public NpgsqlDataSource Writing => _writing ?? throw NotOpen();

    /// <summary>The private server, if the service uses one.</summary>
    public PrivateDatabase? Private => _private;

    /// <exception cref="StartupException">There is no usable database; the message says what to do.</exception>
    public async Task Open(CancellationToken ct)
    {
        var connection = settings.ConnectionString;
        if (connection is null)
        {
            _private = await StartPrivate(ct);
            connection = _private.ConnectionString;
        }

        var serving = new DatabaseProbe(settings.ConnectionSetting, connection, settings, settings.TransactionPooler, _log);
        var direct = settings.MigrationsConnectionString is { } migrations
            ? new DatabaseProbe("ConnectionStrings__Migrations", migrations, settings, transactionPooler: false, _log)
            : serving;
        var migrator = new Migrator(direct.ConnectionString, logs.CreateLogger<Migrator>(), setup: await direct.WaitFor(ct));
        await migrator.Run(ct);

        var setup = direct == serving ? serving.Setup : await serving.WaitFor(ct);
        _source = Pool(Pools.Common, settings.Complete(connection), setup);
        _engine = await Engine.Find(_source, migrator.Schema, ct);
        _analytics = Pool(Pools.Analytics, settings.CompleteForAnalytics(connection), setup);
        _exports = Pool(Pools.Exports, settings.CompleteForExports(connection), setup);
        _writing = Pool(Pools.Writing, settings.CompleteForWriting(connection, _engine), setup);
        _plugins = Pool(Pools.Plugins, settings.CompleteForPlugins(connection), setup);
        await PrivilegeCheck.Check(_source, migrator.Schema, ct);
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

    private async Task<PrivateDatabase> StartPrivate(CancellationToken ct)
    {
        try
        {
            return await PrivateDatabase.Start(
                new PrivateDatabaseOptions(settings.DataDirectory) { BinariesDirectory = settings.Binaries },
                logs.CreateLogger<PrivateDatabase>(),
                ct);
        }
        catch (PrivateDatabaseException failure)
        {
            throw new StartupException(failure.Message);
        }
    }

    private NpgsqlDataSource Pool(string name, string text, SessionSetup setup)
    {
        try
        {
            return Pools.Create(name, text, setup, instruments);
        }
        // Pool parameters contradict each other, for instance a minimum above the maximum.
        catch (Exception failure) when (failure is ArgumentException or NotSupportedException or InvalidOperationException)
        {
            throw new StartupException($"{settings.ConnectionSetting} cannot be used for the pool \"{name}\": {failure.Message}");
        }
    }

    private static InvalidOperationException NotOpen() => new("The database has not been opened yet.");
}
