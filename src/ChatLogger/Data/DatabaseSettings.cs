using System.ComponentModel.DataAnnotations;
using ChatLogger.Configuration;

namespace ChatLogger.Data;

/// <summary>
/// The settings of the database. Section <c>Database</c>, in addition to <c>ConnectionStrings__ChatLogger</c> (or <c>DATABASE_URL</c>),
/// <c>ConnectionStrings__Migrations</c> and <c>DataDirectory</c>.
/// </summary>
internal sealed partial record DatabaseSettings
{
    public const string Section = "Database";

    /// <summary>
    /// Allows the private server outside Development. In Development it is the default when there is no connection string.
    /// </summary>
    public bool Private { get; init; }

    /// <summary>
    /// The directory of initdb, pg_ctl and postgres for the private server. Default: PATH, then the usual directories, highest version
    /// first.
    /// </summary>
    public string? Binaries { get; init; }

    /// <summary>How long the start waits for a database that cannot be reached yet. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The maximum number of connections of the common pool, unless the connection string sets another. Default 20.</summary>
    [Range(1, 1_000)]
    public int PoolSize { get; init; } = 20;

    /// <summary>Additional connections for analytics: as many queries run at once, further ones wait. Default 4.</summary>
    [Range(1, 100)]
    public int AnalyticsPoolSize { get; init; } = 4;

    /// <summary>Additional connections for exports. A running export holds two, a download one now and then. Default 8.</summary>
    [Range(2, 100)]
    public int ExportPoolSize { get; init; } = 8;

    /// <summary>Additional connections for writing chats and messages. A few work while the rest wait for locks. Default 15.</summary>
    [Range(6, 100)]
    public int WritingPoolSize { get; init; } = 15;

    /// <summary>
    /// Additional connections for key look-ups and idempotency look-ups of plugins, so that dashboard queries cannot delay them. Default 5.
    /// </summary>
    [Range(1, 100)]
    public int PluginPoolSize { get; init; } = 5;

    /// <summary>
    /// The connection string leads to a transaction pooler (PgBouncer with <c>pool_mode = transaction</c>), which may run each transaction
    /// in another session. Then the service prepares no statements and sends no start-up options, and migrations need a connection string
    /// of their own. Default false.
    /// </summary>
    public bool TransactionPooler { get; init; }

    /// <summary>The lock_timeout of bulk inserts, each of which carries the rows of many requests. Default 100 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:10")]
    public TimeSpan WritingLockTimeout { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The statement_timeout of analytics queries. Default 11 s: their deadline plus a second.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan AnalyticsStatementTimeout { get; init; } = TimeSpan.FromSeconds(11);

    /// <summary>The statement_timeout of all other statements. Default 5 s: the request's deadline plus a second.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The lock_timeout. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The service's connection string. Null: the private server.</summary>
    public string? ConnectionString { get; private init; }

    /// <summary>The name of the setting that gave the connection string.</summary>
    public string ConnectionSetting { get; private init; } = "The private database";

    /// <summary>The connection string of migrations, which must not lead to a pooler. Default: the service's.</summary>
    public string? MigrationsConnectionString { get; private init; }

    /// <summary>The directory for data outside the database: the private server's data and Development's signing secret.</summary>
    public string DataDirectory { get; private init; } = "";

    /// <exception cref="StartupException">A setting is malformed, or Production has no database.</exception>
    public static DatabaseSettings Read(IConfiguration configuration, IHostEnvironment environment)
    {
        var given = Settings.Bind<DatabaseSettings>(configuration, Section);
        var (setting, connection) = ("ConnectionStrings__ChatLogger", ConnectionStringOf(configuration, "ConnectionStrings:ChatLogger"));
        if (connection is null)
            (setting, connection) = ("DATABASE_URL", ConnectionStringOf(configuration, "DATABASE_URL"));
        if (connection is null && !environment.IsDevelopment() && !given.Private)
            throw new StartupException(
                """
                No database is configured. Set one of:
                  ConnectionStrings__ChatLogger  a connection string, e.g. Host=db;Database=chatlogger;Username=chatlogger;Password=…
                  DATABASE_URL                   the same as a URL, e.g. postgres://chatlogger:…@db/chatlogger
                  Database__Private=true         run a private PostgreSQL server from the binaries on this machine
                """);
        var migrations = ConnectionStringOf(configuration, "ConnectionStrings:Migrations");
        if (given.TransactionPooler && migrations is null)
            throw new StartupException(
                "Database__TransactionPooler needs ConnectionStrings__Migrations: a connection string direct to the server, "
                + "for migrations hold a lock that a pooler would lose.");
        return given with
        {
            ConnectionString = connection,
            ConnectionSetting = connection is null ? given.ConnectionSetting : setting,
            MigrationsConnectionString = migrations,
            DataDirectory = Path.GetFullPath(
                configuration["DataDirectory"] is { Length: > 0 } directory ? directory : DefaultDataDirectory()),
        };
    }

    private static string? ConnectionStringOf(IConfiguration configuration, string key)
    {
        var text = configuration[key];
        var setting = key.Replace(":", "__", StringComparison.Ordinal);
        if (string.IsNullOrWhiteSpace(text))
            return null;
        if (text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal))
            return ConnectionStringRules.Check(setting, DatabaseUrl.ToConnectionString(setting, text));
        if (text.Split("://", 2) is [{ Length: < 20 } scheme, _] && scheme.All(char.IsAsciiLetterOrDigit))
            throw new StartupException(
                $"{setting} is not a URL such as postgres://user:password@host:5432/database: it begins with {scheme}://");
        return ConnectionStringRules.Check(setting, text);
    }

    // The account's own data directory. For root it is the system's, because PostgreSQL's server does not run as root and could not enter
    // root's home.
    public static string DefaultDataDirectory() =>
        Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows()
            ? "/var/lib/chatlogger"
            : Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
                "chatlogger");
}
